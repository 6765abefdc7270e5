"""Who can start a payment: a person in the portal, whoever holds a pay link, the practice on behalf of a payer.

All have the same face (practice, account, clients, contact, acting user), so that the payment path treats them
alike; what differs is asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from paywell.clients.models import BillingAccount
from paywell.clients.types import ClientRights, PortalViewer
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused
from paywell.payments import errors
from paywell.payments.models import Channel, PayLink
from paywell.practice.models import Practice


@dataclass(frozen=True, slots=True)
class LinkViewer:
    """Whoever holds a pay link: nobody in particular, for one invoice. Made by `pay_links.access_pay_link` alone.

    `rights` name no client and show no document: dates and amounts only (product.md 1.6).
    """

    link: PayLink
    practice: Practice
    account: BillingAccount
    rights: tuple[ClientRights, ...]
    line_ids: frozenset[UUID]  #: the invoice's lines, and nothing beyond them

    @property
    def id(self) -> UUID:
        """For form ids and the security log: the link's."""
        return self.link.id

    @property
    def contact_id(self) -> UUID | None:
        return None

    @property
    def actor_id(self) -> UUID | None:
        return None

    @property
    def client_ids(self) -> frozenset[UUID]:
        return frozenset(right.client_id for right in self.rights)

    @property
    def payable_client_ids(self) -> frozenset[UUID]:
        """Clients whose own switch is on."""
        return frozenset(right.client_id for right in self.rights if right.payments_allowed)

    @property
    def document_client_ids(self) -> frozenset[UUID]:
        return frozenset()

    @property
    def diagnosis_client_ids(self) -> frozenset[UUID]:
        return frozenset()


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """Staff, or a rule, charging a payer's saved card within what the payer agreed to.

    The payment is in the payer's name and within their rights. Made by the room `agreements` alone.
    """

    payer: PortalViewer
    channel: Channel
    actor_id: UUID | None  #: who at the practice; None for a rule
    check: Callable[
        [], None
    ]  #: asked inside T1, with the account held: raises UserError where it is no more agreed

    @property
    def id(self) -> UUID:
        return self.payer.id

    @property
    def practice(self) -> Practice:
        return self.payer.practice

    @property
    def account(self) -> BillingAccount:
        return self.payer.account

    @property
    def rights(self) -> tuple[ClientRights, ...]:
        return self.payer.rights

    @property
    def contact_id(self) -> UUID | None:
        return self.payer.contact.id

    @property
    def client_ids(self) -> frozenset[UUID]:
        return self.payer.client_ids

    @property
    def payable_client_ids(self) -> frozenset[UUID]:
        return self.payer.payable_client_ids

    @property
    def document_client_ids(self) -> frozenset[UUID]:
        return self.payer.document_client_ids

    @property
    def diagnosis_client_ids(self) -> frozenset[UUID]:
        return self.payer.diagnosis_client_ids


Payer = PortalViewer | LinkViewer | OnBehalf


def get_channel(payer: Payer) -> Channel:
    """How the payment came in, as staff and the books tell payments apart."""
    if isinstance(payer, OnBehalf):
        return payer.channel
    return Channel.LINK if isinstance(payer, LinkViewer) else Channel.PORTAL


def get_link(payer: Payer) -> PayLink | None:
    return payer.link if isinstance(payer, LinkViewer) else None


def check_payer(payer: Payer, line_ids: Collection[UUID], now: datetime) -> None:
    """Inside T1: a pay link must still be good, and is for its own invoice's lines alone.

    Raises UserError `link_over`, and NotFoundForViewer for lines of another invoice.
    """
    if isinstance(payer, OnBehalf):
        payer.check()
    if not isinstance(payer, LinkViewer):
        return
    if beyond := set(line_ids) - payer.line_ids:
        access_refused(viewer=payer, kind="invoice line", target=min(beyond), reason="not on the link's invoice")
        raise NotFoundForViewer
    if not PayLink.objects.filter(
        practice=payer.practice, pk=payer.link.pk, revoked_at=None, expires_at__gt=now
    ).exists():
        raise errors.link_over()
