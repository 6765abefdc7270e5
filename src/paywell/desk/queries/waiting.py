"""Everything that waits for a person at the desk, and how much of it there is: the number on the rail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from paywell.accounts.models import Invitation, Role, StaffMember
from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements.models import Agreement, Charge
from paywell.agreements.queries import list_failed_charges, list_stopped
from paywell.billing.models import PayOutRequest, Question, TakeBackRequest
from paywell.billing.pay_outs import list_open_pay_outs
from paywell.billing.questions import list_open_questions
from paywell.billing.take_backs import list_open_take_backs
from paywell.clients.models import BillingAccount, Contact, Grant
from paywell.ledger.models import LineBalance
from paywell.notifications.kinds import KINDS
from paywell.notifications.models import Delivery
from paywell.notifications.unreached import list_failing, list_unreached
from paywell.payments.approvals import list_open_requests
from paywell.payments.models import Attempt, RefundRequest, Review
from paywell.payments.seen import list_unseen

#: Entries of one kind on the page; the count goes on.
MOST: Final = 25


@dataclass(frozen=True, slots=True)
class FailedMail:
    """An e-mail that does not arrive: to whom, and on whose record the address stands."""

    name: str
    client_id: UUID | None  #: None for staff and for who was invited
    is_staff: bool
    tries: int
    ids: tuple[UUID, ...]  #: of the e-mails to this person


@dataclass(frozen=True, slots=True)
class Unreached:
    """An account of which nobody could be told of something by e-mail, and a client on whose record to mend it."""

    delivery: Delivery
    name: str
    notice: str
    client_id: UUID | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, by kind; each entry leads to the act that closes it."""

    payments: tuple[Attempt, ...]
    questions: tuple[Question, ...]
    requests: tuple[RefundRequest, ...]
    pay_outs: tuple[PayOutRequest, ...]
    take_backs: tuple[TakeBackRequest, ...]
    charges: tuple[Charge, ...]
    stopped: tuple[Agreement, ...]
    mails: tuple[FailedMail, ...]
    unreached: tuple[Unreached, ...]


def get_waiting(viewer: StaffViewer) -> Waiting:
    """One query for each kind that the viewer's role can do something about."""
    lists = _lists(viewer)
    found: dict[str, Any] = {
        name: tuple(lists[name][:MOST]) if name in lists else () for name in Waiting.__dataclass_fields__
    }
    named = {
        "mails": _name_mails(viewer, found["mails"]),
        "unreached": _name_unreached(viewer, found["unreached"]),
    }
    return Waiting(**found | named)


def _name_unreached(viewer: StaffViewer, rows: Collection[Delivery]) -> tuple[Unreached, ...]:
    """Two queries, none where everybody is reached."""
    if not rows:
        return ()
    ids = {row.recipient_id for row in rows}
    names = dict(BillingAccount.objects.filter(practice=viewer.practice, id__in=ids).values_list("id", "name"))
    clients = dict(
        LineBalance.objects.filter(practice_id=viewer.practice.id, owner_id__in=ids, balance_minor__gt=0)
        .order_by("on")
        .values_list("owner_id", "subject_id")
    )
    return tuple(
        Unreached(
            row, names.get(row.recipient_id, ""),
            str(KINDS[row.notice].label) if row.notice in KINDS else "", clients.get(row.recipient_id),
        )
        for row in rows
    )  # fmt: skip


def _name_mails(viewer: StaffViewer, mails: Collection[Delivery]) -> tuple[FailedMail, ...]:
    """One entry for each person. Four queries, none where all mails arrive."""
    if not mails:
        return ()
    of: dict[UUID, list[Delivery]] = {}
    for mail in mails:
        of.setdefault(mail.recipient_id, []).append(mail)
    own: dict[str, Any] = {"practice": viewer.practice}
    clients = dict(Grant.objects.filter(**own, contact__in=of).values_list("contact_id", "client_id"))
    names = dict(Contact.objects.filter(**own, id__in=of).values_list("id", "name"))
    names |= dict(Invitation.objects.filter(**own, id__in=of).values_list("id", "email"))
    staff = {
        member.user_id: member.user.get_full_name()
        for member in StaffMember.objects.filter(**own, user__in=of).select_related("user")
    }
    unknown = str(_("somebody who is gone"))
    return tuple(
        FailedMail(
            name=names.get(one) or staff.get(one) or unknown,
            client_id=clients.get(one),
            is_staff=one in staff,
            tries=max(mail.tries for mail in sent),
            ids=tuple(mail.id for mail in sent),
        )
        for one, sent in of.items()
    )


def count_waiting(viewer: StaffViewer) -> int:
    """How many entries wait in the inbox. One query."""
    # E-mails to one person are one entry.
    rows = [
        found.order_by().values_list("recipient_id").distinct()
        if name == "mails"
        else found.order_by().values_list("id")
        for name, found in _lists(viewer).items()
    ]
    if viewer.may(Permission.REFUND):
        rows.append(Review.objects.filter(practice=viewer.practice, closed_at=None).values_list("id"))
    if not rows:
        return 0
    return rows[0].union(*rows[1:], all=True).count() if len(rows) > 1 else rows[0].count()


def _lists(viewer: StaffViewer) -> dict[str, QuerySet[Any]]:
    lists: dict[str, QuerySet[Any]] = {}
    if viewer.may(Permission.TAKE_PAYMENTS):
        lists["payments"] = list_unseen(viewer)
        lists["questions"] = list_open_questions(viewer)
        lists["charges"] = list_failed_charges(viewer)
        lists["stopped"] = list_stopped(viewer)
    if viewer.may(Permission.REFUND):
        lists["requests"] = list_open_requests(viewer)
        lists["pay_outs"] = list_open_pay_outs(viewer)
        lists["take_backs"] = list_open_take_backs(viewer)
    if viewer.may(Permission.EDIT_CLIENTS) and viewer.role is not Role.CLINICIAN:
        lists["mails"] = list_failing(viewer)
        lists["unreached"] = list_unreached(viewer)
    return lists
