"""Staff have a charge by rule made again that failed: announced to the payer today, made tomorrow."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _

from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements import errors
from paywell.agreements.automatic import tell_ahead
from paywell.agreements.chargeable import cut_to_owed, find_payer
from paywell.agreements.charging import check_limits, get_agreement
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeState
from paywell.audit.actions import record
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.money import Money


def charge_again(*, viewer: StaffViewer, charge: Charge) -> Charge:
    """Plan a failed charge of AutoPay or of a plan anew, for tomorrow: the payer agreed to a notice the day before.

    At most what was announced and is still owed, within the limits, which are asked again when it is made. Asking
    twice plans it once; one that did not fail stays as it is. Raises NotAllowed, NotFoundForViewer, and UserError
    `not_chargeable`, `nothing_to_charge`, `above_limit`, `above_month_limit`; nothing is changed then.
    """
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed
    with phase():
        account_id = Charge.objects.filter(practice=viewer.practice, pk=charge.pk).values("agreement__account")
        lock(BillingAccount.objects.filter(practice=viewer.practice, pk__in=account_id)).first()
        row = lock(Charge.objects.filter(practice=viewer.practice, pk=charge.pk)).first()
        if row is None:
            raise NotFoundForViewer
        if row.state != ChargeState.FAILED:
            return row
        _check(row, get_agreement(row.agreement_id))
        row.state, row.closed_at = ChargeState.PLANNED, None
        row.due_on = business_date(clock.now(), viewer.practice.timezone) + timedelta(days=1)
        row.words = _("It failed before. The practice has it charged again.")
        row.actor_id, row.seen_at, row.seen_by = viewer.id, None, None
        row.save(update_fields=["state", "closed_at", "due_on", "words", "actor", "seen_at", "seen_by"])
        tell_ahead(row)
        record(
            practice_id=viewer.practice.id, actor_id=viewer.id, action="agreements.charge_again",
            target_kind="charge", target_id=row.id,
        )  # fmt: skip
    return row


def _check(charge: Charge, agreement: Agreement) -> None:
    """What keeps it from being charged now, with the account held."""
    if agreement.kind == AgreementKind.STAFF:
        raise errors.not_chargeable(_("Charge the card from the client's record instead."))
    payer = find_payer(agreement)
    if payer.viewer is None:
        raise errors.not_chargeable(payer.why_not)
    live = Charge.objects.filter(
        practice_id=charge.practice_id, agreement=agreement, state__in=[ChargeState.PLANNED, ChargeState.RUNNING]
    )
    if agreement.kind == AgreementKind.PLAN and live.exists():
        raise errors.not_chargeable(
            _("Another installment of this plan is announced already. Charge this one when that is done.")
        )
    parts = cut_to_owed(charge.practice_id, dict(charge.lines.values_list("line_id", "amount_minor")))
    if not parts:
        raise errors.nothing_to_charge()
    check_limits(agreement, Money(sum(minor for _line, minor in parts), charge.currency))
