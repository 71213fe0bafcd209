from django.urls import path
from rest_framework import generics, permissions, serializers

from .models import userProfile


class ProfileSerializer(serializers.ModelSerializer):
    user = serializers.StringRelatedField(read_only=True)

    class Meta:
        model = userProfile
        fields = "__all__"


class IsOwnerProfileOrReadOnly(permissions.BasePermission):
    def has_object_permission(self, request, view, obj):
        return request.method in permissions.SAFE_METHODS or obj.user == request.user


class UserProfileListCreateView(generics.ListCreateAPIView):
    queryset = userProfile.objects.all()
    serializer_class = ProfileSerializer
    permission_classes = [permissions.IsAuthenticated]

    def perform_create(self, serializer):
        serializer.save(user=self.request.user)


class userProfileDetailView(generics.RetrieveUpdateDestroyAPIView):  # noqa: N801: it is on the wire
    queryset = userProfile.objects.all()
    serializer_class = ProfileSerializer
    permission_classes = [IsOwnerProfileOrReadOnly, permissions.IsAuthenticated]


urlpatterns = [
    path("all-profiles/", UserProfileListCreateView.as_view()),
    path("profile/<int:pk>/", userProfileDetailView.as_view()),
    path("profile/<int:pk>", userProfileDetailView.as_view()),
]
