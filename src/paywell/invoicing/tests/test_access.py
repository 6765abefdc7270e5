from __future__ import annotations

from datetime import date

import pytest

from paywell.accounts.models import Role, User
from paywell.accounts.types import StaffViewer
from paywell.clients.models import Contact
from paywell.clients.types import ClientRights, PortalViewer
from paywell.core.errors import NotFoundForViewer
from paywell.core.ids import new_id
from paywell.invoicing.access import access_invoice
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.queries import list_invoices, list_uninvoiced
from paywell.invoicing.tests.factories import (
    CREATED,
    make_account,
    make_client,
    make_clinician,
    make_practice,
    make_service,
)

pytestmark = pytest.mark.django_db


def issue(*clients: object) -> Invoice:
    services = [make_service(client) for client in clients]  # type: ignore[arg-type]
    first = services[0].client
    return issue_invoice(practice=first.practice, account=first.default_account, services=services, actor_id=None)


def look(invoice: Invoice, *client_ids: object) -> PortalViewer:
    user = User.objects.create(email=f"{new_id().hex}@example.org")
    contact = Contact.objects.create(practice=invoice.practice, name="Ada", user=user, created_at=CREATED)
    rights = tuple(ClientRights(one, "Ada", True, False, False, True) for one in client_ids)  # type: ignore[arg-type]
    return PortalViewer(user.id, contact, invoice.practice, invoice.account, rights, ())


def staff(invoice: Invoice, role: Role, clinician_id: object = None) -> StaffViewer:
    return StaffViewer(new_id(), invoice.practice, role, clinician_id)  # type: ignore[arg-type]


def test_a_payer_sees_the_invoices_of_the_open_account() -> None:
    invoice = issue(make_client(make_practice()))
    line = invoice.lines.get()
    assert access_invoice(look(invoice, line.client_id), invoice.id) == invoice


def test_an_invoice_of_another_account_or_practice_is_not_found(caplog: pytest.LogCaptureFixture) -> None:
    practice = make_practice()
    mine, theirs = issue(make_client(practice)), issue(make_client(practice))
    elsewhere = issue(make_client(make_practice()))
    viewer = look(mine, mine.lines.get().client_id)
    for invoice_id in (theirs.id, elsewhere.id, new_id()):
        caplog.clear()
        with pytest.raises(NotFoundForViewer):
            access_invoice(viewer, invoice_id)
        assert "access refused" in caplog.text
        with pytest.raises(NotFoundForViewer):
            access_invoice(staff(elsewhere, Role.OWNER), theirs.id)


def test_a_grant_for_one_of_two_clients_of_an_account_does_not_open_their_common_invoice() -> None:
    practice = make_practice()
    couple = make_account(practice, "Rhea and Tom Vale")
    rhea, tom = make_client(practice, couple), make_client(practice, couple)
    invoice = issue(rhea, tom)
    with pytest.raises(NotFoundForViewer):
        access_invoice(look(invoice, rhea.id), invoice.id)
    assert access_invoice(look(invoice, rhea.id, tom.id), invoice.id) == invoice


def test_a_clinician_sees_invoices_of_own_clients_alone() -> None:
    practice = make_practice()
    mara, jonas = make_clinician(practice), make_clinician(practice, name="Jonas Adeyemi")
    invoice = issue(make_client(practice, clinician=mara))
    make_service(make_client(practice, clinician=jonas), on=date(2026, 11, 4))
    own, other = staff(invoice, Role.CLINICIAN, mara.id), staff(invoice, Role.CLINICIAN, jonas.id)
    nobody = staff(invoice, Role.CLINICIAN)
    assert access_invoice(own, invoice.id) == invoice
    assert list(list_invoices(own)) == [invoice]
    assert list_uninvoiced(own, date(2026, 11, 1), date(2026, 11, 30)) == []
    for viewer in (other, nobody):
        assert list(list_invoices(viewer)) == []
        with pytest.raises(NotFoundForViewer):
            access_invoice(viewer, invoice.id)
    assert len(list_uninvoiced(other, date(2026, 11, 1), date(2026, 11, 30))) == 1
    assert access_invoice(staff(invoice, Role.READ_ONLY), invoice.id) == invoice
