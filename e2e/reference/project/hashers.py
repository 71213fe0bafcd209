import os

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class Rounds(PBKDF2PasswordHasher):
    iterations = int(os.environ.get("REFERENCE_ROUNDS", "1000"))
