"""The routes that only a test asks for."""
import json
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.decorators import api_view
from rest_framework.response import Response

KEPT = {"django_migrations", "django_content_type", "auth_permission", "sqlite_sequence"}


@csrf_exempt
def reset(request):
    """Empties the database and the mail folder, and creates the users of a "setup"."""
    with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
        for table in set(connection.introspection.table_names(cursor)) - KEPT:
            cursor.execute('delete from "%s"' % table)
        cursor.execute("delete from sqlite_sequence")
    cache.clear()
    for mail in Path(settings.EMAIL_FILE_PATH).iterdir():
        mail.unlink()
    for fields in json.loads(request.body)["users"]:
        password, key, profile = (fields.pop(name, None) for name in ("password", "authtoken", "profile"))
        user = get_user_model()(**fields)
        user.set_password(password)
        user.save(force_insert=True)
        if profile:
            get_user_model()._meta.get_field("profile").related_model.objects.update_or_create(user=user, defaults=profile)
        if key:
            apps.get_model("authtoken", "Token").objects.create(user=user, key=key)
    return HttpResponse(status=204)


@api_view(["GET", "POST"])
def whoami(request):
    """Any endpoint behind the default permission (IsAuthenticated)."""
    return Response({"user": request.user.get_username(), "id": request.user.pk})
