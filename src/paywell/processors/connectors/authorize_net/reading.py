"""What Authorize.Net says about a transaction, in our words. A status that we don't know is `unknown`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from babel.numbers import get_currency_precision
from lxml import etree

from paywell.core.money import Money
from paywell.processors.connectors.authorize_net.client import Answer, text_of
from paywell.processors.contract import (
    CardFacts,
    Decline,
    Deposit,
    DepositPart,
    DepositState,
    Disputed,
    Outcome,
    PartKind,
    Refunded,
    SavedCardFacts,
    Verdict,
)

#: A charge that was voided did succeed first: it is told as paid and given back.
_CHARGES: Final[dict[str, Verdict]] = {
    "capturedPendingSettlement": Verdict.SUCCEEDED,
    "settledSuccessfully": Verdict.SUCCEEDED,
    "voided": Verdict.SUCCEEDED,
    "chargeback": Verdict.SUCCEEDED,
    "chargebackReversal": Verdict.SUCCEEDED,
    "authorizedPendingCapture": Verdict.PENDING,
    "FDSPendingReview": Verdict.PENDING,
    "FDSAuthorizedPendingReview": Verdict.PENDING,
    "underReview": Verdict.PENDING,
    "approvedReview": Verdict.PENDING,
    "authorizedPendingRelease": Verdict.PENDING,
    "pendingSettlement": Verdict.PENDING,
    "pendingFinalSettlement": Verdict.PENDING,
    "updatingSettlement": Verdict.PENDING,
    "declined": Verdict.DECLINED,
    "generalError": Verdict.DECLINED,
    "failedReview": Verdict.DECLINED,
    "expired": Verdict.DECLINED,
    "communicationError": Verdict.DECLINED,
    "settlementError": Verdict.DECLINED,
}
_REFUNDS: Final[dict[str, Verdict]] = {
    "refundPendingSettlement": Verdict.SUCCEEDED,
    "refundSettledSuccessfully": Verdict.SUCCEEDED,
    "voided": Verdict.CANCELED,
    "declined": Verdict.DECLINED,
    "generalError": Verdict.DECLINED,
    "settlementError": Verdict.DECLINED,
    "communicationError": Verdict.DECLINED,
}
_BATCHES: Final = {"settledSuccessfully": DepositState.PAID, "settlementError": DepositState.FAILED}
#: Authorized and not captured, or kept back for the practice to decide: a void ends these.
HELD: Final = frozenset({"authorizedPendingCapture", "FDSPendingReview", "FDSAuthorizedPendingReview"})
UNSETTLED: Final = "capturedPendingSettlement"
SETTLED: Final = "settledSuccessfully"
VOIDED: Final = "voided"
#: How our name of a refund begins that was made by voiding the charge, which has no number of its own.
VOID_PREFIX: Final = "void:"

_DECLINES: Final[dict[str, Decline]] = {
    "4": Decline.LOST_OR_STOLEN,
    "6": Decline.WRONG_NUMBER,
    "7": Decline.EXPIRED_CARD,
    "8": Decline.EXPIRED_CARD,
    "19": Decline.TRY_AGAIN_LATER, "20": Decline.TRY_AGAIN_LATER, "21": Decline.TRY_AGAIN_LATER,
    "22": Decline.TRY_AGAIN_LATER, "23": Decline.TRY_AGAIN_LATER, "25": Decline.TRY_AGAIN_LATER,
    "26": Decline.TRY_AGAIN_LATER,
    "27": Decline.WRONG_ZIP,
    "37": Decline.WRONG_NUMBER,
    "44": Decline.WRONG_CVC, "45": Decline.WRONG_CVC, "65": Decline.WRONG_CVC, "78": Decline.WRONG_CVC,
    "127": Decline.WRONG_ZIP,
    "315": Decline.WRONG_NUMBER,
    "316": Decline.EXPIRED_CARD, "317": Decline.EXPIRED_CARD,
}  # fmt: skip
_BRANDS: Final = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "americanexpress": "American Express",
    "discover": "Discover",
    "dinersclub": "Diners Club",
    "jcb": "JCB",
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction of theirs: a charge, a try at one, or a refund. From a list or from its details."""

    id: str
    status: str
    invoice_number: str
    at: datetime
    money: Money
    card: CardFacts
    reason: str = ""  #: their reason code; details only
    parent_id: str = ""  #: of a refund: the charge; details only
    customer_ref: str = ""
    payment_profile: str = ""
    kind: str = ""  #: their transaction type; details only
    was_held: bool = False  #: kept back by a fraud filter, or authorized alone; details only

    @property
    def is_refund(self) -> bool:
        return self.kind == "refundTransaction" or self.status.startswith("refund")

    @property
    def is_failed_try(self) -> bool:
        """A charge that took nothing: a payer on the hosted page may go on with another card."""
        return _CHARGES.get(self.status) is Verdict.DECLINED


def read_summary(element: etree._Element, currency: str) -> Transaction:
    """A row of a list. Raises ValueError where something essential is missing."""
    return Transaction(
        id=_needed(element, "transId"),
        status=_needed(element, "transactionStatus"),
        invoice_number=text_of(element, "invoiceNumber"),
        at=_moment(_needed(element, "submitTimeUTC")),
        money=_money(text_of(element, "settleAmount"), currency),
        card=_card(text_of(element, "accountType"), text_of(element, "accountNumber"), ""),
        customer_ref=text_of(element, "profile/customerProfileId"),
        payment_profile=text_of(element, "profile/customerPaymentProfileId"),
    )


def read_batch_id(batch: etree._Element) -> str:
    return _needed(batch, "batchId")


def read_batch(batch: etree._Element, currency: str) -> Deposit:
    """A settled batch, before any fee: what the practice's bank sends on is not known here."""
    sums = batch.findall("statistics/statistic")
    taken = [_money(text_of(each, "chargeAmount"), currency) for each in sums]
    given = [_money(text_of(each, "refundAmount"), currency) for each in sums]
    settled_at = _moment(_needed(batch, "settlementTimeUTC"))
    return Deposit(
        read_batch_id(batch),
        sum(taken, Money(0, currency)) - sum(given, Money(0, currency)),
        _BATCHES.get(_needed(batch, "settlementState"), DepositState.PENDING),
        made_at=settled_at,
        arrives_on=settled_at.date(),
    )


def tell_part(row: Transaction) -> DepositPart | None:
    """A transaction of a batch; None for one that moved no money, or was taken out before it was settled."""
    nothing = Money(0, row.money.currency)
    if row.is_refund:
        if _REFUNDS.get(row.status) is not Verdict.SUCCEEDED:
            return None
        return DepositPart(row.id, PartKind.REFUND, -row.money, nothing, row.id, row.invoice_number, row.at)
    if row.status == VOIDED or _CHARGES.get(row.status) is not Verdict.SUCCEEDED:
        return None
    return DepositPart(row.id, PartKind.CHARGE, row.money, nothing, row.id, row.invoice_number, row.at)


def read_details(answer: Answer, currency: str) -> Transaction:
    element = answer.root.find("transaction")
    if element is None:
        raise ValueError("The answer has no transaction.")
    status = _needed(element, "transactionStatus")
    # What was voided is not settled any more; what had been taken is the authorized amount.
    amount = text_of(element, "authAmount" if status == VOIDED else "settleAmount")
    card = "payment/creditCard/"
    return Transaction(
        id=_needed(element, "transId"),
        status=status,
        invoice_number=text_of(element, "order/invoiceNumber"),
        at=_moment(_needed(element, "submitTimeUTC")),
        money=_money(amount, currency),
        card=_card(text_of(element, card + "cardType"), text_of(element, card + "cardNumber"), ""),
        reason=text_of(element, "responseReasonCode"),
        parent_id=text_of(element, "refTransId"),
        customer_ref=text_of(element, "profile/customerProfileId"),
        payment_profile=text_of(element, "profile/customerPaymentProfileId"),
        kind=text_of(element, "transactionType"),
        was_held=bool(text_of(element, "FDSFilterAction"))
        or text_of(element, "transactionType") == "authOnlyTransaction",
    )


def tell_charge(
    charge: Transaction,
    refunds: Sequence[Transaction] = (),
    *,
    live_mode: bool,
    saved_card: SavedCardFacts | None = None,
) -> Outcome:
    """The charge as an outcome, with the refunds that were found to be its own."""
    verdict = _CHARGES.get(charge.status, Verdict.UNKNOWN)
    if charge.status == VOIDED and charge.was_held:
        verdict = Verdict.CANCELED  # nothing was taken before
    is_paid = verdict is Verdict.SUCCEEDED
    told = [_tell_refund_of(charge, each) for each in sorted(refunds, key=lambda each: (each.at, each.id))]
    if charge.status == VOIDED:
        told.append(tell_void(charge))
    return Outcome(
        verdict,
        processor_ref=charge.id,
        reference=charge.invoice_number,
        money=charge.money if is_paid and charge.money.minor else None,
        card=charge.card,
        saved_card=saved_card if is_paid else None,
        decline=decline_of(charge.reason) if verdict is Verdict.DECLINED else None,
        refunds=tuple(told),
        disputes=_disputes(charge),
        live_mode=live_mode,
        at=charge.at,
        detail="" if verdict is not Verdict.UNKNOWN else f"unknown status {charge.status[:40]!r}",
    )


def tell_refund(refund: Transaction, *, reference: str = "") -> Refunded:
    """A refund. Its invoice number is ours where we made it; others keep no reference of ours."""
    return Refunded(
        processor_ref=refund.id,
        money=refund.money,
        verdict=_REFUNDS.get(refund.status, Verdict.UNKNOWN),
        reference=reference or refund.invoice_number,
        at=refund.at,
    )


def _tell_refund_of(charge: Transaction, refund: Transaction) -> Refunded:
    """Their desk copies the charge's invoice number onto a refund: that is no reference of a refund of ours."""
    told = tell_refund(refund)
    return replace(told, reference="") if told.reference == charge.invoice_number else told


def tell_void(charge: Transaction, *, reference: str = "") -> Refunded:
    """A voided charge: all of it went back before it was settled."""
    return Refunded(
        VOID_PREFIX + charge.id, charge.money, Verdict.SUCCEEDED, reference=reference, at=charge.at, is_void=True
    )


def decline_of(reason: str) -> Decline:
    """Our word for their reason code; GENERIC for one that tells a payer nothing."""
    return _DECLINES.get(reason, Decline.GENERIC)


def read_payment_profile(element: etree._Element, customer_ref: str) -> SavedCardFacts | None:
    """A card of a customer profile; None for what is no card (a bank account)."""
    token, card = text_of(element, "customerPaymentProfileId"), "payment/creditCard/"
    number = text_of(element, card + "cardNumber")
    if not token or not number:
        return None
    facts = _card(text_of(element, card + "cardType"), number, text_of(element, card + "expirationDate"))
    return SavedCardFacts(token, customer_ref, facts)


def _disputes(charge: Transaction) -> tuple[Disputed, ...]:
    """Few banks let Authorize.Net know of a chargeback; where it does, the charge's status says so."""
    if charge.status not in ("chargeback", "chargebackReversal"):
        return ()
    is_open = charge.status == "chargeback"
    withheld = charge.money if is_open else Money(0, charge.money.currency)
    return (Disputed(f"chargeback:{charge.id}", charge.money, withheld, "open" if is_open else "won", charge.at),)


def _card(brand: str, number: str, expires: str) -> CardFacts:
    """`XXXX1111` and `2028-08`; a masked expiry is none."""
    year, _, month = expires.partition("-")
    is_known = year.isdigit() and len(year) == 4 and month.isdigit()
    return CardFacts(
        _BRANDS.get(brand.replace(" ", "").lower(), "Card"),
        number[-4:] if number[-4:].isdigit() else "",
        int(month) if is_known else None,
        int(year) if is_known else None,
    )


def _money(text: str, currency: str) -> Money:
    """Their decimal as minor units. Nothing stands for zero. Raises ValueError for a broken cent."""
    try:
        scaled = Decimal(text or "0").scaleb(get_currency_precision(currency))
        minor = int(scaled)
    except (InvalidOperation, OverflowError):
        raise ValueError("The amount is not a number.") from None
    if scaled != minor:
        raise ValueError("The amount has a part of a cent.")
    return Money(minor, currency)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _needed(element: etree._Element, path: str) -> str:
    text = text_of(element, path)
    if not text:
        raise ValueError(f"{path} is missing.")
    return text
