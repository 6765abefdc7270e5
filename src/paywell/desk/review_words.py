"""What the desk says of each kind of review: what happened, what it means for the client's money, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class ReviewWords:
    """`title` reads alone in a list."""

    title: Text
    happened: Text
    money: Text
    to_do: Text


_SET_ASIDE = _("The money is set aside in review. It pays nothing yet, and the client's balance is unchanged.")
_LOOK_AND_SAY = _(
    "Look the charge up in the processor's dashboard. If it is this payment, say below that it is right; if it is "
    "not, refund it there and say so here."
)
#: By the kind that the rooms below give it (`payments.reviews.open_review`).
REVIEW_WORDS: Final[Mapping[str, ReviewWords]] = {
    "given_up": ReviewWords(
        _("No answer about a payment for three days"),
        _("The card processor was asked again and again and never said what came of this payment."),
        _("Nobody knows yet whether the client was charged. Its services can't be paid again until you decide."),
        _("Look the payment up in the processor's dashboard by its reference, then say below what came of it."),
    ),
    "contradiction": ReviewWords(
        _("The processor contradicts itself about a payment"),
        _("The processor said something of this payment that does not fit what it said before."),
        _("The balance shows what was booked first. The client may have been charged once more, or not at all."),
        _("Compare the payment with the processor's dashboard and say below what is true."),
    ),
    "incomplete": ReviewWords(
        _("A payment without amount or reference"),
        _("The processor called this payment successful and left out how much, or for what."),
        _("It does not count as paid until the processor tells the whole. Its services are held meanwhile."),
        _("Look the payment up in the processor's dashboard. If it is there, check it again from its page here."),
    ),
    "amount_differs": ReviewWords(
        _("The processor took another amount"),
        _("The processor charged another amount than the client agreed to pay."),
        _("What was really charged is booked: too much became credit, too little leaves a balance."),
        _("Ask the processor why. Refund what is too much from the payment's page, or ask for the rest."),
    ),
    "capture_changed": ReviewWords(
        _("The processor changed an amount afterwards"),
        _("The amount of a payment that was settled is another one at the processor now."),
        _("The ledger follows the processor: the client's balance or credit changed by the difference."),
        _("Find out who changed it, and tell the client if it was not them who asked for it."),
    ),
    "surplus": ReviewWords(
        _("A payment was more than what was owed"),
        _("Something else paid or lowered the services while this payment was under way."),
        _("All of it is booked. What the services no longer needed is the client's credit."),
        _("Leave it as credit for the next invoice, or refund it from the payment's page."),
    ),
    "late_success": ReviewWords(
        _("A payment went through after all"),
        _("This payment was closed as unpaid, and then the processor said that the card was charged."),
        _SET_ASIDE,
        _("If the client still owes it, accept it below: it pays these services, the rest becomes credit. If they "
          "paid in another way, refund it."),
    ),
    "second_charge": ReviewWords(
        _("A card may be charged twice for one payment"),
        _("The processor shows a second charge for a payment that has one already."),
        _SET_ASIDE,
        _("Look both up in the processor's dashboard. A double charge is refunded there; the refund shows here."),
    ),
    "other_reference": ReviewWords(
        _("A charge that belongs to another payment"),
        _("Asked about this payment, the processor answered with a charge that bears another reference."),
        _SET_ASIDE, _LOOK_AND_SAY,
    ),
    "other_currency": ReviewWords(
        _("A charge in another currency"),
        _("The processor charged the card in another currency than the practice's."),
        _SET_ASIDE,
        _("Correct the currency at the processor. Refund the charge there and ask the client to pay again."),
    ),
    "other_mode": ReviewWords(
        _("A test charge among real ones"),
        _("The processor answered with a charge of its test mode, or with a real one while this practice tests."),
        _("No money is booked for it."),
        _("Check under Settings, Processor that the keys are those of the right mode."),
    ),
    "payment_rebuilt": ReviewWords(
        _("A payment was rebuilt after a restore"),
        _("The backup was older than this payment. It was rebuilt from the processor's records."),
        _("It is booked as before, and the client's balance is right. No receipt was sent for it again."),
        _("Say below whether the payer is to be told of the receipt, perhaps for the second time."),
    ),
    "unmatched_charge": ReviewWords(
        _("A charge that nobody here made"),
        _("The processor lists a charge that no payment here explains: made over there or by other software."),
        _("The money is set aside in review. It pays no client's services."),
        _("Find out whose it is. Record it for them as a card outside Paywell, or refund it at the processor."),
    ),
    "notice_of_unknown_charge": ReviewWords(
        _("A notice about a charge that nobody here knows"),
        _("The processor sent a notice about a charge of which nothing is on file."),
        _("No money is booked for it. If money moved, the daily comparison finds it and sets it aside."),
        _("Look it up in the processor's dashboard. If another program uses the same account, close this."),
    ),
    "card_not_forgotten": ReviewWords(
        _("The processor still keeps a removed card"),
        _("A client removed a saved card, and the processor has not confirmed that it forgot it."),
        _("Paywell never charges that card again."),
        _("Remove the card in the processor's dashboard, then close this."),
    ),
    "notices_refused": ReviewWords(
        _("Notices from the processor are refused"),
        _("What the processor sends can't be verified: its signing secret does not match the one entered here."),
        _("No money is wrong: Paywell asks the processor itself, only later."),
        _("Enter the signing secret again under Settings, Processor."),
    ),
    "notices_silent": ReviewWords(
        _("The processor sends no notices"),
        _("Payments were made, and no notice of them came for an hour."),
        _("No money is wrong: Paywell asks the processor itself, only later."),
        _("Check at the processor that notices go to the address shown under Settings, Processor."),
    ),
    "clock_differs": ReviewWords(
        _("A clock is wrong"),
        _("The processor's clock and that of this server differ by more than they should."),
        _("Payments go on. Times on receipts may be off, and a large difference makes the processor refuse calls."),
        _("Have the server's clock set by the network (NTP)."),
    ),
    "refund_failed": ReviewWords(
        _("A refund was refused"),
        _("The processor did not make this refund."),
        _("No money went back. The payment counts as before."),
        _("See why on the payment's page. Try again, or give the money back in another way and record it."),
    ),
    "refund_contradiction": ReviewWords(
        _("The processor contradicts itself about a refund"),
        _("It said that this refund had come back, and says now that the client has the money."),
        _("The refund is undone here: the payment counts again for its services."),
        _("Look the refund up in the processor's dashboard. Don't send it again before."),
    ),
    "refund_given_up": ReviewWords(
        _("No answer about a refund for three days"),
        _("The processor was asked again and again and never said what came of this refund."),
        _("Nobody knows yet whether the client has the money. It does not count as refunded."),
        _("Have the processor asked again below; its answer settles the refund. Don't send it again before."),
    ),
    "refund_failed_late": ReviewWords(
        _("A refund came back"),
        _("The client's bank could not take the refund, and the money came back to the processor."),
        _("The refund is undone: the payment counts again for its services."),
        _("Ask the client where the money may go, and refund it in another way."),
    ),
    "failed_refund_is_credit": ReviewWords(
        _("Money of a refund that came back is credit now"),
        _("A refund came back after its services had been paid again or written off."),
        _("What the services no longer need lies on the client's account as credit."),
        _("Ask the client: pay it out in another way, or leave it for the next invoice."),
    ),
    "refund_done_after_all": ReviewWords(
        _("A refund went through after all"),
        _("This refund had failed, and then the processor said that it was made."),
        _("The money is with the client, and the ledger says so now."),
        _("If it was given back in another way meanwhile, the client has it twice: talk to them."),
    ),
    "refund_amount_differs": ReviewWords(
        _("The processor refunded another amount"),
        _("The refund at the processor is of another amount than the one asked for."),
        _("What was really refunded is booked."),
        _("Refund the rest from the payment's page, or talk to the client about what was too much."),
    ),
    "refund_above_captured": ReviewWords(
        _("More was refunded than was paid"),
        _("The refunds of this payment add up to more than the payment."),
        _("What is above it is set aside in review: the practice paid it out of its own pocket."),
        _("Ask the client for it, or write down why it stays with them."),
    ),
    "refund_rebuilt": ReviewWords(
        _("A refund was rebuilt after a restore"),
        _("The backup was older than this refund. It was rebuilt from the processor's records."),
        _("It is booked as before. No e-mail was sent for it again."),
        _("Write its reason down in the note."),
    ),
    "credit_below_zero": ReviewWords(
        _("Credit was refunded that is used already"),
        _("A refund at the processor gave back credit with which services had been paid."),
        _("The client's credit is below zero: they have the money and the paid services."),
        _("Take the use of the credit back in the client's ledger, or ask the client to pay it."),
    ),
    "dispute_open": ReviewWords(
        _("A client disputes a payment at their bank"),
        _("The cardholder told the bank that this charge is not right. The bank took the money back for now."),
        _("The services still count as paid. The processor withholds the money until the bank decides."),
        _("Answer in the processor's dashboard in time. Send no clinical detail: dates and amounts do."),
    ),
    "dispute_won": ReviewWords(
        _("A dispute is won"),
        _("The bank decided for the practice."),
        _("The money is back. The services count as paid, as before."),
        _("Nothing is left to do; close this."),
    ),
    "dispute_lost": ReviewWords(
        _("A dispute is lost"),
        _("The bank decided for the cardholder."),
        _("The money stays with the client. The services still count as paid here."),
        _("Nothing here changes by itself. To be paid after all, record a charge of that amount for the client and "
          "invoice it; else leave it. What is lost stays in the month's end under Withheld in disputes: tell your "
          "bookkeeper."),
    ),
    "deposit_returned": ReviewWords(
        _("The bank sent a deposit back"),
        _("The practice's bank did not take a deposit of the card processor."),
        _("No client's balance changes. The money is at the processor again and goes out with a later deposit."),
        _("See in the processor's dashboard whether the bank account there is the right one and still open. Correct"
          " it there, then close this."),
    ),
    "deposit_unexplained": ReviewWords(
        _("A deposit is not the sum of what is in it"),
        _("For a day now, what the processor tells of a deposit has not added up to its amount. The amount here is "
          "the difference."),
        _("No client's balance changes. The reports show the difference as not explained."),
        _("Open this deposit in the processor's dashboard, compare it with the list here, and write down what you "
          "found. If the processor tells the rest later, this closes by itself."),
    ),
}  # fmt: skip
_OF_BOOKS: Final = ReviewWords(
    _("The check of the books found something"),
    _("Paywell compares its own books every few minutes, and something did not add up."),
    _("It may concern any client. No money moves because of it."),
    _("Open Status for what was found. Until it is settled, don't rely on the month's end."),
)
_OF_OTHERS: Final = ReviewWords(
    _("Something about money needs a person"),
    _("Paywell could not settle this by itself."),
    _SET_ASIDE,
    _LOOK_AND_SAY,
)


def say_review(kind: str) -> ReviewWords:
    """The words of a kind of review."""
    return REVIEW_WORDS.get(kind) or (_OF_BOOKS if kind.startswith("books_law_") else _OF_OTHERS)
