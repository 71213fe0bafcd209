"""serve.py PORT [WORKERS]: the reference server on loopback, over a fresh database in REFERENCE_STATE."""
import os
import sys
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
(Path(os.environ["REFERENCE_STATE"]) / "mail").mkdir(exist_ok=True)

import django  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from gunicorn.app.base import BaseApplication  # noqa: E402

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)


class Server(BaseApplication):
    def load_config(self):
        self.cfg.set("bind", "127.0.0.1:" + sys.argv[1])
        self.cfg.set("workers", int(sys.argv[2]) if len(sys.argv) > 2 else 1)
        self.cfg.set("threads", 2)
        self.cfg.set("keepalive", 75)
        self.cfg.set("loglevel", "warning")

    def load(self):
        return get_wsgi_application()


Server().run()
