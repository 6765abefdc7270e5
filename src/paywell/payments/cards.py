"""Cards that a processor keeps for a payer."""

from __future__ import annotations

from paywell.core import clock
from paywell.payments.models import Attempt, CardConsent, ProcessorCustomer, SavedCard
from paywell.processors.contract import SavedCardFacts


def keep_card(attempt: Attempt, facts: SavedCardFacts) -> SavedCard | None:
    """Remember the card that the processor kept with this payment, and the payer's consent to it.

    Runs inside `settle`'s transaction; the same card again changes nothing. None where nobody can own it.
    """
    if attempt.contact_id is None:
        return None
    now = clock.now()
    ProcessorCustomer.objects.update_or_create(
        practice_id=attempt.practice_id,
        processor_account_id=attempt.processor_account_id,
        contact_id=attempt.contact_id,
        defaults={"customer_ref": facts.customer_ref},
    )
    card, is_new = SavedCard.objects.get_or_create(
        practice_id=attempt.practice_id,
        processor_account_id=attempt.processor_account_id,
        token=facts.token,
        defaults={
            "contact_id": attempt.contact_id,
            "customer_ref": facts.customer_ref,
            "brand": facts.card.brand,
            "last4": facts.card.last4,
            "exp_month": facts.card.exp_month,
            "exp_year": facts.card.exp_year,
            "created_at": now,
        },
    )
    if is_new:
        CardConsent.objects.create(
            practice_id=attempt.practice_id,
            card=card,
            attempt=attempt,
            user_id=attempt.actor_id,
            wording_version=attempt.consent_version,
            at=now,
            brand=facts.card.brand,
            last4=facts.card.last4,
            exp_month=facts.card.exp_month,
            exp_year=facts.card.exp_year,
        )
    return card
