"""Books, ledger accounts, transfers, and the rebuildable balances that lists read.

The ledger knows no client and no card: owners and lines are opaque ids.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from paywell.core.ids import new_id


class AccountKind(models.TextChoices):
    RECEIVABLE = "receivable", "Receivable"  #: owner: billing account
    CLIENT_CREDIT = "client_credit", "Client credit"  #: owner: billing account
    INCOME = "income", "Income"
    WRITE_OFF = "write_off", "Write-offs"
    ADJUSTMENT = "adjustment", "Adjustments"
    INSURER = "insurer", "Owed by insurers"  #: filled and emptied as an insurer answers
    CLEARING = "clearing", "Processor clearing"  #: owner: processor account
    CASH = "cash", "Cash and checks"
    BANK = "bank", "Bank"
    FEES = "fees", "Processor fees"
    DISPUTES = "disputes", "Withheld in disputes"  #: owner: processor account
    SUSPENSE = "suspense", "Suspense"


#: Of which a balance is carried for lists. Only those of one billing account, whose postings wait for each
#: other anyhow: a practice-wide row would make all its payments wait in one line.
LISTED_KINDS = frozenset({AccountKind.RECEIVABLE, AccountKind.CLIENT_CREDIT})


class Book(models.Model):
    """One chain of transfers: that of a billing account, or a practice's own where there is none.

    Locking its row is what keeps the chain one chain; it holds no balance.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    practice_id = models.UUIDField()
    owner_id = models.UUIDField(help_text="The billing account's id, or the practice's.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice_id", "owner_id"], name="ledger_book_owner")]


class LedgerAccount(models.Model):
    """A named side of transfers. Its balance is debits less credits."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    practice_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=AccountKind)
    owner_id = models.UUIDField(help_text="Whose it is; the practice's own id where it has no other owner.")
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice_id", "kind", "owner_id", "currency"], name="ledger_account_identity"
            ),
            models.CheckConstraint(condition=Q(kind__in=AccountKind.values), name="ledger_account_kind"),
        ]


class Transfer(models.Model):
    """One movement: `amount_minor` from credit to debit. Never updated, never deleted (triggers)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    practice_id = models.UUIDField()
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="transfers")
    seq = models.PositiveIntegerField(help_text="Place in the book's chain, from 1.")
    source = models.CharField(max_length=80, help_text="What caused it, e.g. payment:<attempt id>.")
    leg = models.PositiveSmallIntegerField(help_text="Which part of that source, from 0.")
    debit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="debits")
    credit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="credits")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    line_id = models.UUIDField(null=True, help_text="The invoice line it concerns.")
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reversals")
    at = models.DateTimeField(help_text="When it was recorded.")
    effective_on = models.DateField(
        null=True, help_text="The day on which it counts, where that is told apart: cash that was entered later."
    )
    actor_id = models.UUIDField(null=True, help_text="The user who caused it; null for the system.")
    reason = models.CharField(max_length=200, blank=True)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice_id", "source", "leg"], name="ledger_transfer_once"),
            models.UniqueConstraint(fields=["book", "seq"], name="ledger_transfer_chain"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="ledger_transfer_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="ledger_transfer_two_sides"),
        ]
        indexes = [
            models.Index(fields=["practice_id", "line_id"], name="ledger_transfer_line"),
            models.Index(fields=["practice_id", "at"], name="ledger_transfer_at"),
            models.Index(
                fields=["practice_id", "effective_on"],
                name="ledger_transfer_effective",
                condition=Q(effective_on__isnull=False),
            ),
        ]


class AccountBalance(models.Model):
    """Debits less credits of one ledger account of LISTED_KINDS. Rebuildable; decides nothing."""

    account = models.OneToOneField(LedgerAccount, primary_key=True, on_delete=models.PROTECT)
    practice_id = models.UUIDField()
    balance_minor = models.BigIntegerField(default=0)


class LineBalance(models.Model):
    """What is still owed on one invoice line. Rebuildable; decides nothing, only lists read it."""

    line_id = models.UUIDField(primary_key=True)
    practice_id = models.UUIDField()
    owner_id = models.UUIDField(help_text="The billing account.")
    subject_id = models.UUIDField(null=True, help_text="Whom the line is about, opaque here: the client.")
    currency = models.CharField(max_length=3)
    on = models.DateField(help_text="The date of service, by which lists are ordered.")
    due_on = models.DateField(null=True)
    charged_minor = models.BigIntegerField(default=0)
    balance_minor = models.BigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                # All that the summary and the list read, so that the index alone answers them.
                fields=["practice_id", "owner_id", "-on", "line_id", "subject_id", "balance_minor"],
                name="ledger_line_open",
                condition=Q(balance_minor__gt=0),
            ),
        ]
