from django.apps import AppConfig
from django.contrib.auth import get_user_model
from django.db.models.signals import post_save


class Config(AppConfig):
    name = "events"
    label = "accounts"

    def ready(self):
        post_save.connect(self.make_profile, sender=get_user_model())

    def make_profile(self, instance, created, **kwargs):
        if created:
            self.get_model("userProfile").objects.create(user=instance)
