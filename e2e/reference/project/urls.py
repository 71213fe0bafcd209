from django.conf import settings
from django.urls import include, path

from control import reset

urlpatterns = [path("__reference__/reset", reset)]
if settings.DIALECT == "djoser":
    urlpatterns += [path("auth/", include("djoser.urls")), path("auth/", include("djoser.urls.jwt")), path("auth/", include("djoser.urls.authtoken"))]
if settings.DIALECT == "userapi":
    urlpatterns.append(path("userapi/", include("userapi.urls")))
if settings.DIALECT == "profiles":
    urlpatterns += [path("auth/", include("djoser.urls")), path("auth/", include("djoser.urls.jwt")), path("api/accounts/", include("events.urls"))]
if settings.DIALECT in ("accounts", "simplejwt"):
    from control import whoami

    urlpatterns.append(path("api/protected-endpoint/", whoami))
if settings.DIALECT == "accounts":
    urlpatterns.append(path("api/accounts/", include("envelope.urls")))
if settings.DIALECT == "simplejwt":
    from rest_framework_simplejwt import views

    urlpatterns += [
        path("api/token/", views.TokenObtainPairView.as_view()),
        path("api/token/refresh/", views.TokenRefreshView.as_view()),
        path("api/token/verify/", views.TokenVerifyView.as_view()),
        path("api/token/blacklist/", views.TokenBlacklistView.as_view()),
        path("api/sliding/", views.TokenObtainSlidingView.as_view()),
        path("api/sliding/refresh/", views.TokenRefreshSlidingView.as_view()),
    ]
