"""Processor accounts, attempts and their claims, refunds, disputes, deposits, saved cards, notices, reviews."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from encrypted_fields.fields import EncryptedJSONField

from paywell.accounts.models import User
from paywell.billing.models import SecondPersonRequest, find_undecided, need_two_people
from paywell.clients.models import BillingAccount, Contact
from paywell.core.ids import new_key, new_reference
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.practice.models import PracticeOwned
from paywell.processors.contract import DepositState, PartKind


class ProcessorAccount(PracticeOwned):
    """A practice's account at one card processor. At most one takes new payments at a time."""

    connector = models.CharField(max_length=30, help_text="A name of processors.registry.")
    live_mode = models.BooleanField(default=False)
    settings = models.JSONField(default=dict, help_text="What is not secret: publishable key, merchant id.")
    secrets = EncryptedJSONField(default=dict)
    is_active = models.BooleanField(default=True, help_text="Takes new payments.")
    connected_at = models.DateTimeField()
    disconnected_at = models.DateTimeField(null=True)
    swept_until = models.DateTimeField(null=True)
    deposits_until = models.DateTimeField(null=True, help_text="When its deposits were last read to the end.")
    notices_refused = models.PositiveSmallIntegerField(default=0, help_text="In a row, counted to the alert.")
    noticed_at = models.DateTimeField(null=True, help_text="When the last notice was taken.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice"], name="processor_account_active", condition=Q(is_active=True)
            ),
        ]


class AttemptState(models.TextChoices):
    """architecture.md 4. The graph is data in `payments.machine`."""

    CREATED = "created", "Created"
    AWAITING_ACTION = "awaiting_action", "Waiting for the payer"
    SUBMITTING = "submitting", "Submitting"
    PROCESSING = "processing", "Processing"
    UNKNOWN = "unknown", "Being checked"
    IN_REVIEW = "in_review", "In review"
    SUCCEEDED = "succeeded", "Paid"
    DECLINED = "declined", "Declined"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"
    EXPIRED = "expired", "Expired"


class Channel(models.TextChoices):
    PORTAL = "portal", "Client Portal"
    LINK = "link", "Pay link"
    STAFF = "staff", "Practice"
    AUTOMATIC = "automatic", "Automatic"


class SavedCard(PracticeOwned):
    """A card that the processor keeps for one payer. Seen and used by that contact alone."""

    processor_account = models.ForeignKey(ProcessorAccount, on_delete=models.PROTECT, related_name="cards")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="cards")
    token = models.CharField(max_length=120)
    customer_ref = models.CharField(max_length=120)
    name = models.CharField(max_length=60, blank=True, help_text="The payer's own name for it.")
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField(null=True)
    exp_year = models.PositiveSmallIntegerField(null=True)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    forgotten_at = models.DateTimeField(null=True, help_text="When the processor confirmed the removal.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "processor_account", "token"], name="saved_card_token"
            ),
            models.UniqueConstraint(
                fields=["practice", "contact"], name="saved_card_default",
                condition=Q(is_default=True, removed_at=None),
            ),
            models.CheckConstraint(condition=Q(last4__regex=r"^[0-9]{4}$"), name="saved_card_last4"),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["practice", "exp_year", "exp_month"], name="saved_card_expiry", condition=Q(removed_at=None)
            )
        ]


class ProcessorCustomer(PracticeOwned):
    """A contact's name at a processor account: one each, so that a card can't land on another payer."""

    processor_account = models.ForeignKey(ProcessorAccount, on_delete=models.PROTECT, related_name="customers")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=20, default=new_reference, help_text="Ours, opaque.")
    customer_ref = models.CharField(max_length=120, blank=True, help_text="Theirs, once known.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "processor_account", "contact"], name="processor_customer_once"
            ),
            models.UniqueConstraint(fields=["practice", "reference"], name="processor_customer_reference"),
        ]


class PayLink(PracticeOwned):
    """An address by which one invoice is paid without signing in, until it expires or is revoked.

    The address is signed, not stored (`payments.pay_links`). Whoever holds it sees dates and amounts, and no more.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="pay_links")
    made_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", help_text="Null: a payer asked."
    )
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="pay_link_expires"),
        ]
        indexes = [
            models.Index(
                fields=["practice", "-made_at", "-id"], name="pay_link_open", condition=Q(revoked_at=None)
            ),
        ]


class Attempt(PracticeOwned):
    """One try to pay some lines with one card. A payment is an attempt that succeeded.

    Its id is made when the pay form is built and comes with the form. Amount, lines and keys are frozen at
    creation; only `settle` writes outcomes.
    """

    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="attempts")
    processor_account = models.ForeignKey(ProcessorAccount, on_delete=models.PROTECT, related_name="attempts")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.PROTECT, related_name="attempts")
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.PORTAL)
    pay_link = models.ForeignKey(PayLink, null=True, on_delete=models.PROTECT, related_name="attempts")
    state = models.CharField(max_length=16, choices=AttemptState, default=AttemptState.CREATED)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    notes = models.CharField(max_length=500, blank=True)
    content_hash = models.CharField(max_length=64, help_text="Of what the form said: lines, amount, card, notes.")
    reference = models.CharField(max_length=20, default=new_reference)
    open_key = models.CharField(max_length=32, default=new_key)
    submit_key = models.CharField(max_length=32, default=new_key)
    processor_ref = models.CharField(max_length=120, blank=True)
    step_url = models.CharField(max_length=2000, blank=True, help_text="Where the payer goes next, while awaited.")
    step_fields = models.JSONField(default=dict, help_text="What is posted there; empty where it is a plain GET.")
    return_nonce = models.CharField(
        max_length=32, default=new_key, help_text="Makes the return address single-use."
    )
    returned_at = models.DateTimeField(null=True)
    saved_card = models.ForeignKey(SavedCard, null=True, on_delete=models.PROTECT, related_name="attempts")
    consent_version = models.CharField(
        max_length=20,
        blank=True,
        help_text="Wording by which the payer asked to keep a new card; blank if not.",
    )
    card_brand = models.CharField(max_length=20, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    decline = models.CharField(max_length=24, blank=True, help_text="A processors.contract.Decline.")
    origin_mark = models.CharField(max_length=32, blank=True, help_text="Keyed digest of the payer's address.")
    captured_minor = models.BigIntegerField(default=0, help_text="What the processor says it took.")
    fee_minor = models.BigIntegerField(null=True, help_text="What the processor keeps of it, once it says so.")
    refunded_minor = models.BigIntegerField(default=0, help_text="Sum of refunds that are done; rebuildable.")
    disputed = models.BooleanField(default=False, help_text="A dispute is open or lost; rebuildable.")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, help_text="When `submit` was first about to be called.")
    closed_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(help_text="When an unfinished payer's step is fenced.")
    lease_until = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField(null=True)
    checks = models.PositiveSmallIntegerField(default=0)
    rebuilt_at = models.DateTimeField(
        null=True, help_text="When the row was made anew from the processor's record, after a restore."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "reference"], name="attempt_reference"),
            models.UniqueConstraint(fields=["practice", "open_key"], name="attempt_open_key"),
            models.UniqueConstraint(fields=["practice", "submit_key"], name="attempt_submit_key"),
            models.UniqueConstraint(
                fields=["practice", "processor_account", "processor_ref"],
                name="attempt_processor_ref",
                condition=~Q(processor_ref=""),
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="attempt_amount"),
            models.CheckConstraint(condition=Q(captured_minor__gte=0), name="attempt_captured"),
            models.CheckConstraint(condition=Q(state__in=AttemptState.values), name="attempt_state"),
            models.CheckConstraint(
                condition=Q(channel="link", pay_link__isnull=False) | (~Q(channel="link") & Q(pay_link=None)),
                name="attempt_pay_link",
            ),
        ]
        indexes = [
            models.Index(
                "practice",
                "account",
                Coalesce("closed_at", "submitted_at", "created_at").desc(),
                F("id").desc(),
                name="attempt_history",
            ),
            models.Index(
                "practice",
                Coalesce("closed_at", "submitted_at", "created_at").desc(),
                F("id").desc(),
                name="attempt_desk",
            ),
            # All that counts what the inbox has not shown yet, which every page of the desk does.
            models.Index(
                fields=["practice", "-closed_at", "-id", "channel"],
                name="attempt_succeeded",
                condition=Q(state="succeeded"),
            ),
            models.Index(fields=["next_check_at"], name="attempt_due", condition=Q(next_check_at__isnull=False)),
        ]


class AttemptLine(PracticeOwned):
    """How much of the attempt is for which invoice line. Written with the attempt, never changed."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="attempt_lines")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "attempt", "line"], name="attempt_line_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="attempt_line_amount"),
        ]


class Claim(models.Model):
    """An open attempt's hold on an invoice line: one row per line while the attempt lives, then deleted.

    The guard against double clicks, two tabs, two family members, staff edits and automatic charges alike.
    """

    line = models.OneToOneField(InvoiceLine, primary_key=True, on_delete=models.PROTECT, related_name="claim")
    practice_id = models.UUIDField()
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="claims")


class AttemptEvent(PracticeOwned):
    """Every answer about an attempt, also when it changed nothing. Append-only."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    from_state = models.CharField(max_length=16)
    to_state = models.CharField(max_length=16)
    cause = models.CharField(max_length=24, help_text="A key of payments.machine.CAUSES, or give_up.")
    verdict = models.CharField(max_length=16, blank=True)
    detail = models.CharField(max_length=300, blank=True)


class Origin(models.TextChoices):
    HERE = "here", "Here"
    AT_PROCESSOR = "at_processor", "At the processor"


class RefundState(models.TextChoices):
    SENDING = "sending", "Sending"
    PENDING = "pending", "Processing"
    DONE = "done", "Refunded"
    FAILED = "failed", "Failed"
    FAILED_LATE = "failed_late", "Failed later"  #: was done, then taken back: reversed in the ledger
    IN_REVIEW = "in_review", "In review"


class Refund(PracticeOwned):
    """Money going back to the original card, in full or in part. Committed before the processor is called."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="refunds")
    origin = models.CharField(max_length=12, choices=Origin, default=Origin.HERE)
    state = models.CharField(max_length=12, choices=RefundState, default=RefundState.SENDING)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=32, default=new_key)
    reference = models.CharField(max_length=20, default=new_reference)
    processor_ref = models.CharField(max_length=120, blank=True)
    is_void = models.BooleanField(default=False)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField(null=True)
    checks = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "key"], name="refund_key"),
            models.UniqueConstraint(fields=["practice", "reference"], name="refund_reference"),
            models.UniqueConstraint(
                fields=["practice", "attempt", "processor_ref"], name="refund_processor_ref",
                condition=~Q(processor_ref=""),
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount"),
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="refund_state"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["next_check_at"], name="refund_due", condition=Q(next_check_at__isnull=False)),
        ]


class Dispute(PracticeOwned):
    """A payer's bank took the payment into question. Its money follows the processor's present word."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="disputes")
    processor_ref = models.CharField(max_length=120)
    amount_minor = models.BigIntegerField()
    withheld_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=8, choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")])
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "attempt", "processor_ref"], name="dispute_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="dispute_amount"),
        ]


class Deposit(PracticeOwned):
    """What a processor sent to the practice's bank, as it tells it. Rebuildable from there; no part of the ledger.

    Amounts below zero were taken from the bank.
    """

    processor_account = models.ForeignKey(ProcessorAccount, on_delete=models.PROTECT, related_name="deposits")
    processor_ref = models.CharField(max_length=120)
    state = models.CharField(max_length=8, help_text="A processors.contract.DepositState.")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    made_at = models.DateTimeField()
    arrives_on = models.DateField(help_text="Expected at the bank, or was there. By this day it is reported.")
    is_itemized = models.BooleanField(default=True, help_text="The processor says what is in it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "processor_account", "processor_ref"], name="deposit_once"),
            models.CheckConstraint(
                condition=Q(state__in=[each.value for each in DepositState]), name="deposit_state"
            ),
        ]
        indexes = [models.Index(fields=["practice", "-arrives_on"], name="deposit_arrives")]


class DepositPart(PracticeOwned):
    """One entry of a deposit: `gross_minor` less `fee_minor` of it went to the bank."""

    deposit = models.ForeignKey(Deposit, on_delete=models.PROTECT, related_name="parts")
    entry_ref = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, help_text="A processors.contract.PartKind.")
    gross_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    object_ref = models.CharField(max_length=120, blank=True)
    reference = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField(null=True)
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="deposit_parts")
    is_booked = models.BooleanField(default=False, help_text="Its charge's money stands in the ledger.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "deposit", "entry_ref"], name="deposit_part_once"),
            models.CheckConstraint(
                condition=Q(kind__in=[each.value for each in PartKind]), name="deposit_part_kind"
            ),
            models.CheckConstraint(condition=Q(attempt=None) | Q(is_booked=True), name="deposit_part_booked"),
        ]


class SuspendedPart(PracticeOwned):
    """Which charge in suspense a refund or a dispute of the processor's is about: no payment of ours tells it."""

    processor_account = models.ForeignKey(ProcessorAccount, on_delete=models.PROTECT, related_name="+")
    object_ref = models.CharField(max_length=120, help_text="Theirs, of the refund or the dispute.")
    charge_ref = models.CharField(max_length=120, help_text="Theirs, of the charge.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "processor_account", "object_ref"], name="suspended_part_once"
            ),
        ]


class CardConsent(PracticeOwned):
    """The payer's yes to keep a card: the wording's version, when, who, and which card. Append-only."""

    card = models.ForeignKey(SavedCard, on_delete=models.PROTECT, related_name="consents")
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    wording_version = models.CharField(max_length=20)
    at = models.DateTimeField()
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField(null=True)
    exp_year = models.PositiveSmallIntegerField(null=True)


class StoredNotice(PracticeOwned):
    """A verified notice of a processor, stored once. A job looks up the truth and marks it done."""

    processor_account = models.ForeignKey(ProcessorAccount, on_delete=models.PROTECT, related_name="notices")
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=60, blank=True)
    charge_ref = models.CharField(max_length=120, blank=True)
    reference = models.CharField(max_length=20, blank=True)
    received_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "processor_account", "event_id"], name="stored_notice_once"
            ),
        ]
        indexes = [models.Index(fields=["received_at"], name="stored_notice_due", condition=Q(done_at=None))]


class Review(PracticeOwned):
    """Something about money that only a person can close."""

    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="reviews")
    processor_account = models.ForeignKey(ProcessorAccount, null=True, on_delete=models.PROTECT, related_name="+")
    deposit = models.ForeignKey("Deposit", null=True, on_delete=models.PROTECT, related_name="reviews")
    kind = models.CharField(max_length=40)
    dedupe = models.CharField(max_length=160)
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    detail = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    closing_note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "dedupe"], name="review_once")]


class RefundRequest(SecondPersonRequest):
    """A refund above the practice's amount. Its id becomes the refund's, so that approving twice is one refund."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="refund_requests")

    class Meta:
        constraints = need_two_people("refund_request")
        indexes = [find_undecided("refund_request")]


class SeenPayment(PracticeOwned):
    """Somebody at the desk took note of a payment that came in by itself: it leaves the inbox."""

    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="seen")
    seen_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField()
