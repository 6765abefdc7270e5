"""How an empty installation gets its first practice and owner: once, by whoever reads the terminal."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from paywell.accounts.actions import clean_email, create_staff_member, create_user
from paywell.accounts.models import INSTALLATION, Installation, Role, StaffMember, User
from paywell.core import clock
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.core.ids import new_code
from paywell.practice.actions import create_practice
from paywell.practice.models import Practice

CODE_LASTS: Final = timedelta(hours=1)
#: Wrong codes after which the present one is void. Of 58 random bits nobody guesses ten.
TRIES_MAX: Final = 10
#: Server processes that start together print one code, not one each.
_TOGETHER: Final = timedelta(minutes=1)


class AlreadyInstalled(UserError):
    """The set-up of an installation happens once."""

    def __init__(self) -> None:
        super().__init__("This installation is set up already.", code="already_installed")


def is_installed() -> bool:
    """Whether the first set-up is over: for ever once it was done, and wherever a practice exists. Two queries."""
    return Practice.objects.exists() or Installation.objects.exclude(installed_at=None).exists()


def make_code(*, unless_just_made: bool = False) -> str:
    """A new code for the browser; the one before stops working. Only its hash is stored.

    With `unless_just_made` the answer is empty where one was made within the last minute. Raises AlreadyInstalled.
    """
    with transaction.atomic():
        row = _lock_row()
        if is_installed():
            raise AlreadyInstalled
        now = clock.now()
        if unless_just_made and row.code_made_at is not None and now - row.code_made_at < _TOGETHER:
            return ""
        code = new_code()
        row.code_hash, row.code_made_at, row.code_tries = _hash(code), now, 0
        row.save(update_fields=["code_hash", "code_made_at", "code_tries"])
    return code


def use_code(typed: str) -> bool:
    """Whether it is the present code: then it is used up. Wrong tries are counted, and too many void it."""
    with transaction.atomic():
        row = _lock_row()
        if is_installed() or not row.code_hash or row.code_made_at is None:
            return False
        if clock.now() - row.code_made_at > CODE_LASTS or row.code_tries >= TRIES_MAX:
            return False
        if hmac.compare_digest(row.code_hash, _hash(typed)):
            row.code_hash = ""
            row.save(update_fields=["code_hash"])
            return True
        row.code_tries += 1
        row.save(update_fields=["code_tries"])
        return False


def check_owner(*, name: str, email: str, password: str) -> None:
    """Raises UserError as `install` would about the owner, with the field it is about."""
    email = clean_email(email, required=True)
    if not name.strip():
        raise UserError("Enter your name.", code="name_missing", field="name")
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as weak:
        raise UserError(" ".join(weak.messages), code="password_weak", field="password") from None


def install(
    *, practice_name: str, owner_name: str, owner_email: str, password: str, **fields: Any
) -> tuple[User, Practice]:
    """The first practice and its owner, in one step; afterwards never again. `fields` are of the practice.

    Raises AlreadyInstalled, or UserError about what was typed; then nothing has changed.
    """
    check_owner(name=owner_name, email=owner_email, password=password)
    with transaction.atomic():
        row = _lock_row()
        if is_installed():
            raise AlreadyInstalled
        owner = create_user(email=owner_email, name=owner_name, password=password, actor_id=None)
        practice = create_practice(name=practice_name, actor_id=owner.id, **fields)
        create_staff_member(practice=practice, user=owner, role=Role.OWNER, actor_id=owner.id)
        row.installed_at, row.code_hash = clock.now(), ""
        row.save(update_fields=["installed_at", "code_hash"])
    return owner, practice


def get_owner(practice: Practice) -> StaffMember | None:
    """The practice's first owner: on whose behalf the command line goes on with the set-up."""
    rows = StaffMember.objects.filter(practice=practice, role=Role.OWNER, ended_at=None)
    return rows.select_related("user").order_by("id").first()


def _lock_row() -> Installation:
    Installation.objects.get_or_create(pk=INSTALLATION)
    return lock(Installation.objects.filter(pk=INSTALLATION)).get()


def _hash(code: str) -> str:
    plain = "".join(char for char in code.upper() if char.isalnum())
    return hmac.new(settings.SECRET_KEY.encode(), plain.encode(), hashlib.sha256).hexdigest()
