"""Users, staff memberships and invitations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from paywell.core.ids import new_id
from paywell.practice.models import Clinician, PracticeOwned


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person who can sign in. Without a password they can only come in by invitation or code.

        The address counts as verified: nobody registers on their own, a practice or the installation's
        operator vouches for it, and every message that matters goes there.
        """
        from allauth.account.models import EmailAddress

        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        EmailAddress.objects.using(self._db).create(user=user, email=user.email, verified=True, primary=True)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person who signs in. What they may see comes from staff memberships and from grants (clients)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_lower")]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.get_full_name()


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    BILLER = "biller", "Biller"
    CLINICIAN = "clinician", "Clinician"
    FRONT_DESK = "front_desk", "Front desk"
    READ_ONLY = "read_only", "Read-only"


class StaffMember(PracticeOwned):
    """One person's place in one practice."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="staff_memberships")
    role = models.CharField(max_length=12, choices=Role)
    clinician = models.ForeignKey(Clinician, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "user"], name="staff_member_once", condition=Q(ended_at=None)
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="staff_member_role"),
        ]


class Invitation(PracticeOwned):
    """A link by which one person sets up their sign-in. Single use, bound to its e-mail address.

    No token is stored: the link carries the row's id, signed (`accounts.invitations`), so a copy of the
    database opens nothing. `subject_id` is what accepting it is for (a contact's id), opaque here.
    """

    email = models.EmailField(max_length=254)
    subject_kind = models.CharField(max_length=20, help_text="contact or staff")
    subject_id = models.UUIDField()
    invited_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)


#: The key of the only row there can be.
INSTALLATION = UUID(int=1)


class Installation(models.Model):
    """The one row about the installation itself: whether it was set up, and the code that lets a browser do it."""

    id = models.UUIDField(primary_key=True, default=INSTALLATION, editable=False)
    installed_at = models.DateTimeField(null=True)
    code_hash = models.CharField(max_length=64, blank=True, help_text="Blank: none, or used up.")
    code_made_at = models.DateTimeField(null=True)
    code_tries = models.PositiveSmallIntegerField(default=0, help_text="Wrong ones since it was made.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=INSTALLATION), name="installation_one")]
