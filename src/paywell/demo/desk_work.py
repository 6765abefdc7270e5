"""What the demonstration's biller entered by hand, and what clients asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from paywell.accounts.access import access_desk
from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements.agree import make_agreement
from paywell.agreements.models import AgreementKind
from paywell.agreements.plans import offer_plan
from paywell.billing.entries import EntryForm, make_entry, reverse_entry
from paywell.billing.models import Entry, EntryKind, Method
from paywell.billing.questions import ask_question
from paywell.care.models import Service, ServiceKind
from paywell.clients.access import access_portal
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.demo.people import Troupe
from paywell.demo.story import Scene, at
from paywell.documents.estimates import Expected, issue_estimate
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.queries import get_open_lines
from paywell.payments.models import SavedCard


def biller(troupe: Troupe) -> StaffViewer:
    return access_desk(troupe.biller, troupe.practice.slug, Permission.REFUND)


def enter(troupe: Troupe, name: str, kind: EntryKind, minor: int, **values: Any) -> Entry:
    """An entry in the account of that name, as the biller makes it at the desk."""
    form = EntryForm(entry_id=new_id(), kind=kind, amount=Money(minor, troupe.practice.currency), **values)
    return make_entry(viewer=biller(troupe), account=troupe.accounts[name], form=form)


def by_hand(troupe: Troupe, today: date) -> Iterator[Scene]:
    """Cash, a check that bounced, a courtesy, a write-off, an insurer's answer, a question."""

    def on(days_ago: int, hour: int = 10) -> datetime:
        return at(troupe, today - timedelta(days=days_ago), hour)

    accounts = troupe.accounts
    if "Peter Marsh" in accounts:
        cash = {"method": Method.CASH, "note": "Thank you for bringing it by"}
        yield Scene(on(8), lambda: enter(troupe, "Peter Marsh", EntryKind.PAYMENT, 5_600, **cash))
    if "Victor Hale" in accounts:
        yield Scene(on(9), lambda: _bounce(troupe, "Victor Hale"))
        yield Scene(
            on(7),
            lambda: enter(
                troupe, "Victor Hale", EntryKind.WRITE_OFF, 4_000, reason="Agreed to let the oldest rest go"
            ),
        )
    if "Samir Dunn" in accounts:
        yield Scene(on(6), lambda: _insurer(troupe, "Samir Dunn"))
    if "Ines Coral" in accounts and troupe.part.slug == "willow-creek":
        yield Scene(on(3, 9), lambda: _agree(troupe, "Ines Coral", AgreementKind.AUTOPAY))
    if "Ada Brook" in accounts and troupe.part.slug == "willow-creek":
        yield Scene(on(5, 11), lambda: _estimate(troupe, "Ada Brook", today - timedelta(days=5)))
        yield Scene(on(1, 12), lambda: _agree(troupe, "Ada Brook", AgreementKind.STAFF))
    if "Victor Hale" in accounts:
        yield Scene(on(1, 13), lambda: _offer(troupe, "Victor Hale", today))
    if "Owen Pike" in accounts:
        yield Scene(on(2, 20), lambda: _ask(troupe, "Owen Pike"))


def _estimate(troupe: Troupe, name: str, asked_on: date) -> None:
    """The client asked what the next half year will cost."""
    account = troupe.accounts[name]
    sessions = Service.objects.filter(
        practice=troupe.practice, client__default_account=account, kind=ServiceKind.SESSION
    )
    last = sessions.select_related("client", "clinician").order_by("-on", "-fee_minor")[0]
    first = asked_on + timedelta(days=7)
    weekly = Expected(last.wording, last.code, Money(last.fee_minor, last.currency), 26, last.clinician)
    issue_estimate(
        practice=troupe.practice, client=last.client, expected=[weekly], frequency="once a week",
        period_from=first, period_to=first + timedelta(days=181), first_on=first,
        asked_on=asked_on, is_request=True, actor_id=biller(troupe).id,
    )  # fmt: skip


def _bounce(troupe: Troupe, name: str) -> None:
    entry = enter(troupe, name, EntryKind.PAYMENT, 12_000, method=Method.CHECK, reference="318")
    reverse_entry(viewer=biller(troupe), entry=entry, reason="The bank returned the check")


def _insurer(troupe: Troupe, name: str) -> None:
    """The insurer paid most of its part of one service, and lowered the rest by contract."""
    service = (
        Service.objects.filter(
            practice=troupe.practice, client__default_account=troupe.accounts[name], insurer_minor__gt=1_000
        )
        .order_by("on")
        .first()
    )
    if service is None:
        return
    paid = {"service_id": service.id, "reason": "Explanation of benefits 7741"}
    enter(troupe, name, EntryKind.INSURER_PAYMENT, service.insurer_minor - 1_000, method=Method.BANK, **paid)
    enter(troupe, name, EntryKind.INSURER_ADJUSTMENT, 1_000, **paid)


def _agree(troupe: Troupe, name: str, kind: AgreementKind) -> None:
    """A payer with a saved card turns it on, with a limit of their own."""
    viewer = access_portal(troupe.users[name], troupe.accounts[name].id)
    card = SavedCard.objects.filter(practice=troupe.practice, contact=viewer.contact, removed_at=None).first()
    if card is not None:
        limit = Money(30_000, troupe.practice.currency)
        make_agreement(viewer=viewer, kind=kind, card_id=card.id, charge_limit=limit, is_agreed=True)


def _offer(troupe: Troupe, name: str, today: date) -> None:
    """Four installments over the three oldest open services; the client has yet to agree."""
    account = troupe.accounts[name]
    opened = get_open_lines(practice_id=troupe.practice.id, owner_id=account.id).order_by("on", "line_id")
    offer_plan(
        viewer=biller(troupe),
        account=account,
        line_ids=list(opened.values_list("line_id", flat=True)[:3]),
        count=4,
        first_on=today + timedelta(days=9),
        every="month",
    )


def _ask(troupe: Troupe, name: str) -> None:
    """About a fee for an appointment that did not take place."""
    viewer = access_portal(troupe.users[name], troupe.accounts[name].id)
    line = InvoiceLine.objects.filter(
        practice=troupe.practice,
        account=viewer.account,
        service__kind__in=[ServiceKind.LATE_CANCEL, ServiceKind.NO_SHOW],
        voided_at=None,
    ).first()
    if line is not None:
        ask_question(
            viewer=viewer, line_id=line.id, text="I wrote the day before that I was ill. Does the fee still apply?"
        )
