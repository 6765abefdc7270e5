"""Charging many saved cards at once, in the room for long work: each charge once, canceled between two of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from paywell.accounts.access import access_desk
from paywell.accounts.models import User
from paywell.accounts.types import Permission
from paywell.agreements.charging import charge_saved_card, get_agreement
from paywell.agreements.models import Charge, ChargeState
from paywell.core.errors import UserError
from paywell.core.money import Money, format_money
from paywell.practice.models import Practice
from paywell.work.kinds import Kind, work_kind
from paywell.work.models import Work, WorkItem
from paywell.work.types import Done, Finished, Item, Result, Skipped

#: The kind's name, and what the desk asks for.
CHARGES = "charge_cards"


@work_kind(CHARGES, needs=Permission.TAKE_PAYMENTS.value)
class ChargeCards(Kind):
    """The rows of a preview that somebody confirmed: agreement and amount of each."""

    in_transaction = False

    def plan(self, work: Work) -> Iterable[Item]:
        for row in work.parameters["rows"]:
            yield Item(subject_id=UUID(row["agreement"]), label=row["label"], data={"minor": row["minor"]})

    def do(self, work: Work, items: Sequence[WorkItem]) -> Sequence[Result]:
        return [self._charge(work, item) for item in items]

    def finish(self, work: Work) -> Finished:
        charges = Charge.objects.filter(practice_id=work.practice_id, key__startswith=f"batch:{work.id}:")
        paid = charges.filter(state=ChargeState.DONE)
        currency = Practice.objects.values_list("currency", flat=True).get(pk=work.practice_id)
        total = sum(charge.amount_minor for charge in paid)
        count = paid.count()
        if not count:  # the reasons stand below; some may still be on their way
            return Finished({"lines": []})
        told = ngettext("%(n)s card was charged, %(total)s.", "%(n)s cards were charged, %(total)s in all.", count)
        return Finished({"lines": [told % {"n": count, "total": format_money(Money(total, currency))}]})

    def _charge(self, work: Work, item: WorkItem) -> Result:
        agreement = get_agreement(UUID(str(item.subject_id)))
        user = User.objects.get(id__in=[work.requested_by])
        viewer = access_desk(user, None, Permission.TAKE_PAYMENTS, practice_id=work.practice_id)
        charge = charge_saved_card(
            viewer=viewer,
            agreement=agreement,
            amount=Money(item.data["minor"], agreement.currency),
            key=f"batch:{work.id}:{item.id}",
        )
        if charge.state == ChargeState.DONE:
            return Done()
        if charge.state == ChargeState.RUNNING:
            return Skipped(_("Sent; the processor has not answered yet. The result shows in Payments."))
        if charge.state == ChargeState.PLANNED:
            raise UserError(_("It could not be charged now."), code="not_charged")
        return Skipped(charge.words)
