from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.urls import path
from rest_framework import serializers, status
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework_simplejwt.tokens import RefreshToken

from .models import User


class SignupSerializer(serializers.ModelSerializer):
    confirm_password = serializers.CharField(write_only=True, required=True)

    class Meta:
        model = User
        fields = ["name", "email", "phone", "password", "confirm_password"]
        extra_kwargs = {"password": {"write_only": True}}

    def validate_password(self, value):
        validate_password(value)
        return value

    def validate(self, attrs):
        if attrs["password"] != attrs["confirm_password"]:
            raise serializers.ValidationError({"password": "Password fields didn't match."})
        return attrs

    def create(self, validated_data):
        validated_data.pop("confirm_password")
        return User.objects.create_user(username=validated_data["email"], **validated_data)


class LoginSerializer(serializers.Serializer):
    email = serializers.EmailField()
    password = serializers.CharField()

    def validate(self, attrs):
        user = authenticate(self.context["request"], username=attrs["email"], password=attrs["password"])
        if user is None:
            raise serializers.ValidationError("Invalid email or password.")
        return {"user": user}


def envelope(message, user, code):
    refresh = RefreshToken.for_user(user)
    return Response({
        "message": message,
        "user": {"id": user.id, "email": user.email, "name": user.name, "phone": user.phone},
        "tokens": {"refresh": str(refresh), "access": str(refresh.access_token)},
    }, status=code)


@api_view(["POST"])
@permission_classes([AllowAny])
def signup(request):
    """User registration endpoint"""
    serializer = SignupSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return envelope("User registered successfully", serializer.save(), status.HTTP_201_CREATED)


@api_view(["POST"])
@permission_classes([AllowAny])
def login(request):
    """User login endpoint"""
    serializer = LoginSerializer(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return envelope("Login successful", serializer.validated_data["user"], status.HTTP_200_OK)


urlpatterns = [path("signup/", signup), path("login/", login)]
