"""Authorize.Net's lists. They can't be asked by our reference, so what we look for is picked out here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from paywell.core.clock import now
from paywell.processors.connectors.authorize_net import asking, reading
from paywell.processors.connectors.authorize_net.client import Answer, Api
from paywell.processors.connectors.authorize_net.reading import Transaction

#: The longest time of which they list batches at once.
_BATCHES_SPAN: Final = timedelta(days=31)
#: Their clock and ours may differ by that much.
_SKEW: Final = timedelta(minutes=10)


class Lists:
    """Reads only. Raises httpx errors, Refused and ValueError: a list that breaks off is no shorter list."""

    def __init__(self, api: Api, currency: str) -> None:
        self.api = api
        self.currency = currency

    def get(self, transaction_id: str) -> Transaction:
        answer = self.api.ask("getTransactionDetailsRequest", ("transId", transaction_id))
        found = reading.read_details(answer, self.currency)
        if found.id != transaction_id:
            raise ValueError("The answer is about another transaction.")
        return found

    def find(self, invoice_number: str, since: datetime) -> list[Transaction]:
        """Every transaction since then that carries this invoice number, refunds of ours included."""
        since -= _SKEW
        found = [each for each in self._unsettled(until=since) if each.invoice_number == invoice_number]
        settled = (each for each in self._settled(since) if each.invoice_number == invoice_number)
        return list({each.id: each for each in (*found, *settled)}.values())

    def find_refunds(self, charge: Transaction) -> list[Transaction]:
        """Refunds of this charge that are under way, or stand in its payer's list. The sweep finds the others."""
        rows = [each for each in self._unsettled(until=charge.at) if each.is_refund]
        if charge.customer_ref:
            rows += [each for each in self._of_customer(charge.customer_ref) if each.is_refund]
        likely = {each.id: each for each in rows if each.card.last4 == charge.card.last4 and each.at >= charge.at}
        details = [self.get(each) for each in likely]
        return [each for each in details if each.parent_id == charge.id]

    def each_since(self, since: datetime) -> Iterator[Transaction]:
        """Everything that is not settled yet, then what was settled since then. One may come twice, the later
        telling is the newer one."""
        yield from self._unsettled(until=None)
        yield from self._settled(since - _SKEW)

    def _unsettled(self, until: datetime | None) -> Iterator[Transaction]:
        """Newest first, back to `until`."""
        for rows in self._pages("getUnsettledTransactionListRequest"):
            yield from rows
            if until is not None and rows and rows[-1].at < until:
                return

    def _of_customer(self, customer_ref: str) -> Iterator[Transaction]:
        for rows in self._pages("getTransactionListForCustomerRequest", ("customerProfileId", customer_ref)):
            yield from rows

    def each_batch(self, since: datetime, *, with_sums: bool = False) -> Iterator[etree._Element]:
        """Every batch settled since then."""
        end = now() + _SKEW
        while since < end:
            until = min(since + _BATCHES_SPAN - timedelta(minutes=1), end)
            asked = asking.batches(since, until, with_sums=with_sums)
            yield from self.api.ask("getSettledBatchListRequest", *asked).all("batchList/batch")
            since = until

    def in_batch(self, batch_id: str) -> Iterator[Transaction]:
        for rows in self._pages("getTransactionListRequest", ("batchId", batch_id)):
            yield from rows

    def _settled(self, since: datetime) -> Iterator[Transaction]:
        for batch in self.each_batch(since):
            yield from self.in_batch(reading.read_batch_id(batch))

    def _pages(self, request: str, *named: asking.Node) -> Iterator[list[Transaction]]:
        size, page = int(self.page_size), 1
        while True:
            answer: Answer = self.api.ask(request, *named, *asking.newest_first(page, size))
            rows = [reading.read_summary(each, self.currency) for each in answer.all("transactions/transaction")]
            yield rows
            if len(rows) < size:
                return
            page += 1

    page_size: int = asking.PAGE_SIZE
