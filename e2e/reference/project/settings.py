"""Settings of the reference server: what REFERENCE_CONDITION says, over Django's defaults.

The condition is the head of a contract transcript: {"dialect", "user_model", "settings"}."""
import json
import os
from datetime import timedelta
from pathlib import Path

STATE = Path(os.environ["REFERENCE_STATE"])
CONDITION = json.loads((STATE / "condition.json").read_text())
DIALECT = CONDITION["dialect"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "/static/"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = USE_L10N = USE_TZ = True
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = str(STATE / "mail")
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(STATE / "db.sqlite3")}}
# Django's default algorithm and format with fewer rounds: the wire cannot tell. REFERENCE_ROUNDS
# asks for others, for measurements.
PASSWORD_HASHERS = ["hashers.Rounds"]
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.staticfiles", "rest_framework",
]
INSTALLED_APPS += {
    "djoser": ["rest_framework.authtoken", "djoser"],
    "userapi": ["userapi"],
    "accounts": ["envelope.apps.Config"],
    "profiles": ["djoser", "events.apps.Config"],
}.get(DIALECT, [])
AUTH_USER_MODEL = CONDITION["user_model"]
if CONDITION["settings"].pop("token_blacklist", False):
    INSTALLED_APPS.append("rest_framework_simplejwt.token_blacklist")
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
}]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation." + name} for name in (
    "UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")]
LOGGING = {
    "version": 1, "disable_existing_loggers": False,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": str(STATE / "django.log")}},
    "root": {"handlers": ["file"], "level": "WARNING"},
}

for _name, _value in CONDITION["settings"].items():
    if isinstance(_value, dict):  # durations are seconds there
        _value = {k: timedelta(seconds=v) if k.endswith("_LIFETIME") else (tuple(v) if isinstance(v, list) else v)
                  for k, v in _value.items()}
    globals()[_name] = _value
