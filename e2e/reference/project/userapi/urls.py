from rest_framework import permissions, routers, serializers, viewsets

from .models import User, UserProfile


class ProfileSerializer(serializers.ModelSerializer):
    class Meta:
        model = UserProfile
        fields = ["title", "dob", "address", "country", "city", "zip"]


class UserSerializer(serializers.HyperlinkedModelSerializer):
    profile = ProfileSerializer(required=True)

    class Meta:
        model = User
        fields = ["url", "email", "first_name", "last_name", "password", "profile"]
        extra_kwargs = {"password": {"write_only": True}}

    def create(self, validated_data):
        profile, password = validated_data.pop("profile"), validated_data.pop("password")
        user = User(**validated_data)
        user.set_password(password)
        user.save()
        UserProfile.objects.create(user=user, **profile)
        return user

    def update(self, instance, validated_data):
        given = validated_data.pop("profile")
        instance.email = validated_data.get("email", instance.email)
        instance.save()
        for name, value in given.items():
            setattr(instance.profile, name, value)
        instance.profile.save()
        return instance


class SelfOrStaff(permissions.BasePermission):
    def has_object_permission(self, request, view, obj):
        return obj == request.user or request.user.is_staff


class IsStaff(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.user.is_staff


class UserViewSet(viewsets.ModelViewSet):
    queryset = User.objects.all()
    serializer_class = UserSerializer

    def get_permissions(self):
        if self.action == "create":
            return [permissions.AllowAny()]
        if self.action in ("retrieve", "update", "partial_update"):
            return [SelfOrStaff()]
        if self.action in ("list", "destroy"):
            return [IsStaff()]
        return []


router = routers.DefaultRouter()
router.register("users", UserViewSet)
urlpatterns = router.urls
