"""What a card processor is to Paywell: values in, values out.

A connector has no database, no session, no request, no randomness of its own and no clock but `core.clock`.
Business answers (a decline, a bank check) are return values. Whatever goes wrong after the first byte left is
`unknown`: `paywell.processors.guard` wraps every connector and sees to that.

Rules, each a test of the conformance suite that every connector passes (`tests/contract`):

1. The idempotency keys and our reference come with the order, stored before the call, the same on every repeat.
2. A success without amount, currency and reference does not count as one.
3. A word of theirs that we do not know is `pending` or `unknown`, never a guess.
4. Notices are verified first; a missing secret rejects; what they say is only a reason to look up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from django.utils.functional import Promise

from paywell.core.money import Money

#: Words for a screen, translated when they are shown.
Text = str | Promise


class Style(StrEnum):
    """How the payment window looks. The practice's processor decides it."""

    INLINE = "inline"  #: one screen: the processor's own card fields inside our page
    TWO_STEP = "two_step"  #: our screen, Next, the processor's page, Submit


class Capability(StrEnum):
    SAVED_CARDS = "saved_cards"
    PARTIAL_REFUND = "partial_refund"
    PARTIAL_REFUND_BEFORE_SETTLEMENT = "partial_refund_before_settlement"
    IDEMPOTENCY_KEYS = "idempotency_keys"
    FENCE = "fence"  #: `cancel` makes later success impossible
    ABSENT_IS_CERTAIN = "absent_is_certain"  #: `look_up` may answer `absent`
    LIST_SINCE = "list_since"
    NOTICES = "notices"
    DISPUTES = "disputes"  #: `look_up` and `list_since` tell of every dispute
    FEES = "fees"  #: `list_since` tells what the processor keeps of a charge, at once or some time later
    DEPOSITS = "deposits"  #: it tells what it sends to the bank: a `TellsDeposits`


class Verdict(StrEnum):
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    PENDING = "pending"  #: accepted, the answer comes later
    NEEDS_ACTION = "needs_action"  #: with a `Step`: go to its URL; without one: reserved, waits for `submit`
    CANCELED = "canceled"
    NOT_SENT = "not_sent"  #: certain that *this call* had no effect: it never left, or was refused unexecuted
    ABSENT = "absent"  #: look-up only, and only where the processor guarantees it
    UNKNOWN = "unknown"  #: everything else, time-outs included


class Decline(StrEnum):
    """Why a card was refused, in our words. A connector maps its processor's codes to these."""

    GENERIC = "generic"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    WRONG_CVC = "wrong_cvc"
    WRONG_NUMBER = "wrong_number"
    WRONG_ZIP = "wrong_zip"
    BANK_CHECK_FAILED = "bank_check_failed"
    LOST_OR_STOLEN = "lost_or_stolen"
    TOO_MANY_TRIES = "too_many_tries"
    TRY_AGAIN_LATER = "try_again_later"


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What may be kept of a card: never its number, never its CVC."""

    brand: str = ""
    last4: str = ""
    exp_month: int | None = None
    exp_year: int | None = None


@dataclass(frozen=True, slots=True)
class SavedCardFacts:
    """A card that the processor keeps for `customer_ref`; `token` names it there."""

    token: str
    customer_ref: str
    card: CardFacts


@dataclass(frozen=True, slots=True)
class Step:
    """What the person has to do next: open `url` with the whole page (top-level, never in a frame)."""

    url: str
    #: Posted to `url` by a page of ours; where there are none it is a plain GET. As secret as `url`.
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refunded:
    """One refund as the processor tells it."""

    processor_ref: str
    money: Money
    verdict: Verdict
    reference: str = ""  #: ours, if it was made here
    at: datetime | None = None
    is_void: bool = False


@dataclass(frozen=True, slots=True)
class Disputed:
    """One dispute as the processor tells it. `withheld` is what it keeps back now; zero once won."""

    processor_ref: str
    money: Money
    withheld: Money
    status: str  #: "open", "won" or "lost"
    at: datetime | None = None


class DepositState(StrEnum):
    PENDING = "pending"  #: on its way to the bank
    PAID = "paid"
    FAILED = "failed"  #: the bank sent it back, or it was called off: the money is at the processor again


class PartKind(StrEnum):
    """What an entry of a deposit is."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    FEE = "fee"  #: one that belongs to no charge, refund or dispute
    RETURNED = "returned"  #: an earlier deposit that failed, going out again
    ADJUSTMENT = "adjustment"  #: everything else that the processor names: reserves, corrections, loans


@dataclass(frozen=True, slots=True)
class Deposit:
    """What the processor sent to the bank at once. Below zero: what it took from there."""

    processor_ref: str
    money: Money
    state: DepositState
    made_at: datetime
    arrives_on: date  #: the day on which it is expected at the bank, or was there
    is_itemized: bool = True  #: False: the processor does not say what is in this one
    live_mode: bool | None = None


@dataclass(frozen=True, slots=True)
class DepositPart:
    """One entry of a deposit. `gross` less `fee`, summed over all, is the deposit's amount."""

    entry_ref: str  #: theirs; once in a deposit
    kind: PartKind
    gross: Money  #: below zero: what went away
    fee: Money  #: kept of it; below zero: given back. Zero where `Capability.FEES` is missing
    object_ref: str = ""  #: of the charge, refund or dispute, as `Outcome`, `Refunded` or `Disputed` name it
    reference: str = ""  #: ours, of the charge or the refund
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer about one charge. `look_up` gives the whole truth; other calls may leave parts out."""

    verdict: Verdict
    processor_ref: str = ""
    reference: str = ""  #: our reference as the processor repeats it
    money: Money | None = None  #: what was captured, as the processor says
    fee: Money | None = None  #: what it keeps of that; None while it does not say
    card: CardFacts | None = None
    saved_card: SavedCardFacts | None = None  #: set where this charge kept a card
    step: Step | None = None
    decline: Decline | None = None
    refunds: tuple[Refunded, ...] = ()
    disputes: tuple[Disputed, ...] = ()
    live_mode: bool | None = None
    at: datetime | None = None
    memo: str = ""  #: ours, as the processor repeats it, or the beginning of it
    detail: str = ""  #: for staff and the log; never card data, never the person's name


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """Everything a processor may know of one payment. No name, no service, no e-mail."""

    reference: str  #: ours, 20 characters, random
    money: Money
    open_key: str  #: idempotency key of `open`
    submit_key: str  #: idempotency key of `submit`
    return_url: str  #: where the processor's page sends the person afterwards (GET)
    cancel_url: str  #: where its "back" leads
    label: str  #: discreet text for its page, the practice's public name
    customer_ref: str = ""  #: the payer at the processor, once known; saved cards hang on it
    payer_reference: str = ""  #: our opaque, random name of the payer, for making `customer_ref`
    processor_ref: str = ""  #: theirs, once known
    created_at: datetime | None = None
    has_step: bool = False  #: the payer was given the step of an earlier `open`, and may be on it
    memo: str = ""  #: opaque: keep it with the charge, at least its first 255 characters; it comes with `open`
    asked_at: datetime | None = None  #: now, by our clock: how old the keys are


@dataclass(frozen=True, slots=True)
class Submission:
    """What the person chose on our screen (inline). Empty for the two-step style."""

    card_token: str = ""  #: a single-use token from the processor's own fields
    saved_card_token: str = ""
    save_card: bool = False
    is_payer_absent: bool = False  #: staff or the system charge a kept card: nobody is there to answer the bank


@dataclass(frozen=True, slots=True)
class RefundOrder:
    reference: str  #: ours, of the refund
    key: str
    charge_ref: str  #: the processor's reference of the payment
    charge_reference: str  #: our reference of the payment
    money: Money
    is_full: bool
    card: CardFacts = field(default_factory=CardFacts)
    processor_ref: str = ""
    created_at: datetime | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RawNotice:
    """What arrived at the notice address, byte for byte."""

    body: bytes
    headers: Mapping[str, str]
    url: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """One event of a verified notice. A doorbell: the charge is looked up, the body is not believed."""

    event_id: str
    charge_ref: str = ""
    reference: str = ""
    kind: str = ""
    live_mode: bool | None = None


class BadNotice(Exception):
    """The notice can't be verified: wrong or missing signature, no secret, outside the time window."""


class ProcessorUnavailable(Exception):
    """A list could not be read to its end: what was not seen may still be there. Try again later."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What our page needs to show the processor's own card fields (inline style). All of it is public.

    The connector brings the script that knows these fields (its adapter): `static/fields.js` in its folder,
    spoken to as `portal/static/portal/fields.js` describes.
    """

    adapter: str  #: the connector's folder
    scripts: tuple[str, ...] = ()  #: the processor's own scripts, on its hosts, loaded once a new card is wanted
    #: For the adapter: a publishable key, a frame's address.
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def script(self) -> str:
        """The adapter among the static files."""
        return f"processors/{self.adapter}/fields.js"


@dataclass(frozen=True, slots=True)
class Hosts:
    """What a page's Content-Security-Policy must allow for this processor, and nothing more."""

    frame_src: tuple[str, ...] = ()
    script_src: tuple[str, ...] = ()
    connect_src: tuple[str, ...] = ()
    style_src: tuple[str, ...] = ()
    font_src: tuple[str, ...] = ()
    img_src: tuple[str, ...] = ()
    form_action: tuple[str, ...] = ()  #: where a redirect after a form post may lead


@dataclass(frozen=True, slots=True)
class Connection:
    """One practice's account at a processor: its settings and secrets, decrypted, for one connector."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    live_mode: bool


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """One thing that the practice enters to connect, and where at the processor it is found."""

    name: str  #: its key in `Connection.secrets` or `Connection.settings`
    label: Text
    help: Text = ""
    is_secret: bool = True  #: encrypted at rest, never shown again
    is_required: bool = True
    pattern: str = ""  #: a regular expression for the whole value, to catch what was copied from elsewhere
    advice: Text = ""  #: what to say where it does not match


@dataclass(frozen=True, slots=True)
class Setup:
    """What the desk asks for to connect a processor. Each connector's module declares one as `SETUP`."""

    fields: tuple[ConnectionField, ...]
    lead: Text = ""  #: what the payer will see, in a sentence
    notices: Text = ""  #: where at the processor our notice address is entered, and what to do then
    notice_events: tuple[str, ...] = ()  #: for which of its events, where it asks
    has_live_mode: bool = True  #: asks whether the keys are test or live ones


@runtime_checkable
class Processor(Protocol):
    """One connector, made for one `Connection`. Every method is safe to repeat with the same order."""

    name: str
    style: Style
    capabilities: frozenset[Capability]
    is_test: bool  #: no real money moves: the screen says so

    def hosts(self) -> Hosts: ...

    def fields(self) -> Fields | None:
        """The card fields for our page (inline), without a call. None for the two-step style."""

    def check_setup(self) -> Sequence[str]:
        """What is wrong with the connection, in words. One harmless call. Empty means all is well."""

    def open(self, order: ChargeOrder) -> Outcome:
        """Reserve: an object over there that can't take money yet, with its `processor_ref`.

        Two-step: `needs_action` with the URL to go to. Inline: `needs_action` without a step; `submit` follows.
        """

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        """Commit: the only call that moves money (inline); for the two-step style, read what step 2 did."""

    def look_up(self, order: ChargeOrder) -> Outcome:
        """The truth, by their reference, else by ours. Read only. With refunds and disputes."""

    def cancel(self, order: ChargeOrder) -> Outcome:
        """Fence: afterwards it can no longer take money (`canceled`), or what happened instead."""

    def refund(self, order: RefundOrder) -> Refunded:
        """Give back all or part. `declined` where the processor says no and nothing moved."""

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        """The truth about one refund, by their reference, else by ours. Read only."""

    def list_since(self, since: datetime) -> Iterable[Outcome]:
        """Every charge made or changed since then, each as `look_up` would tell it. For the sweep.

        Raises ProcessorUnavailable, also in the middle.
        """

    def list_cards(self, customer_ref: str) -> Sequence[SavedCardFacts]:
        """The cards kept for one payer. Raises ProcessorUnavailable."""

    def forget_card(self, card: SavedCardFacts) -> Outcome:
        """Remove it there. `succeeded` also when it is gone already; such an outcome carries no money."""

    def read_notice(self, notice: RawNotice) -> Sequence[Report]:
        """Verify, then translate. Raises BadNotice."""


@runtime_checkable
class TellsDeposits(Protocol):
    """What a connector with `Capability.DEPOSITS` has besides. Both are read only."""

    def list_deposits(self, since: datetime) -> Iterable[Deposit]:
        """Every deposit made since then, whatever became of it. Raises ProcessorUnavailable, also in the middle."""

    def list_deposit_parts(self, deposit_ref: str) -> Iterable[DepositPart]:
        """All entries of one deposit, without the deposit itself. Raises ProcessorUnavailable."""
