from django.conf import settings
from django.urls import include, path, re_path

from control import reset

urlpatterns = [path("__reference__/reset", reset)]
if settings.DIALECT == "djoser":
    urlpatterns += [path("auth/", include("djoser.urls")), path("auth/", include("djoser.urls.jwt")), path("auth/", include("djoser.urls.authtoken"))]
if settings.DIALECT == "simplejwt":
    from rest_framework_simplejwt import views

    from control import whoami

    urlpatterns += [
        path("api/token/", views.TokenObtainPairView.as_view()),
        path("api/token/refresh/", views.TokenRefreshView.as_view()),
        path("api/token/verify/", views.TokenVerifyView.as_view()),
        path("api/token/blacklist/", views.TokenBlacklistView.as_view()),
        path("api/sliding/", views.TokenObtainSlidingView.as_view()),
        path("api/sliding/refresh/", views.TokenRefreshSlidingView.as_view()),
        path("api/protected-endpoint/", whoami),
    ]
if settings.DIALECT == "profiles":
    from accounts import views

    urlpatterns += [
        path("auth/", include("djoser.urls")), path("auth/", include("djoser.urls.jwt")),
        path("api/accounts/all-profiles/", views.UserProfileListCreateView.as_view()),
        re_path("^api/accounts/profile/(?P<pk>[0-9]+)/?$", views.userProfileDetailView.as_view()),
    ]
