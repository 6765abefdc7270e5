from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from paywell.care import holds
from paywell.care.actions import (
    add_catalog_item,
    add_diagnosis,
    clean_modifiers,
    record_service,
    update_catalog_item,
    void_service,
)
from paywell.care.models import Service, ServiceKind
from paywell.clients.models import BillingAccount, Client
from paywell.core.errors import UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.practice.actions import add_clinician, create_practice
from paywell.practice.models import Clinician, Practice

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 5, tzinfo=UTC)


def make_client(name: str = "Willow") -> Client:
    practice = create_practice(name=name, actor_id=None)
    account = BillingAccount.objects.create(practice=practice, name="Ada Brook", created_at=AT)
    return Client.objects.create(
        practice=practice,
        legal_first_name="Ada",
        legal_last_name="Brook",
        birth_date=date(1990, 5, 6),
        default_account=account,
        created_at=AT,
    )


def make_clinician(practice: Practice) -> Clinician:
    return add_clinician(practice=practice, name="Mara Feldt", actor_id=None)


def record(client: Client, **values: Any) -> Service:
    defaults: dict[str, Any] = {
        "clinician": values.pop("clinician", None) or make_clinician(client.practice),
        "on": date(2026, 11, 3),
        "wording": "Individual session, 50 minutes",
        "code": "IND50",
        "fee": Money(15_000),
    }
    return record_service(practice=client.practice, client=client, actor_id=None, **{**defaults, **values})


def test_a_service_takes_code_wording_kind_and_fee_from_the_catalogue() -> None:
    client = make_client()
    item = add_catalog_item(
        practice=client.practice,
        code="h0004",
        wording="Counseling, each 15 minutes",
        fee=Money(3_800),
        actor_id=None,
    )
    service = record(client, catalog_item=item, code="", wording="", fee=None, units=4)
    assert (service.code, service.wording) == ("H0004", "Counseling, each 15 minutes")
    assert (service.fee_minor, service.units, service.kind) == (15_200, 4, ServiceKind.SESSION)


def test_a_new_fee_of_the_catalogue_leaves_recorded_services_alone() -> None:
    client = make_client()
    item = add_catalog_item(
        practice=client.practice, code="IND50", wording="Session", fee=Money(15_000), actor_id=None
    )
    service = record(client, catalog_item=item, fee=None)
    update_catalog_item(item=item, fee=Money(16_000), is_active=True, actor_id=None)
    service.refresh_from_db()
    assert service.fee_minor == 15_000


def test_the_clients_part_is_the_fee_less_the_insurers() -> None:
    client = make_client()
    assert record(client, insurer_minor=11_000).client_minor == 4_000
    with pytest.raises(UserError) as refused:
        record(client, insurer_minor=15_001)
    assert refused.value.code == "insurer_above_fee"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"fee": None, "catalog_item": None}, "fee_missing"),
        ({"fee": Money(0)}, "fee_invalid"),
        ({"fee": Money(100_000_001)}, "fee_invalid"),
        ({"fee": Money(100, "EUR")}, "fee_currency"),
        ({"units": 0}, "units_invalid"),
        ({"on": date(1990, 5, 5)}, "date_before_birth"),
        ({"on": date(2099, 1, 1)}, "date_too_late"),
        ({"wording": "  "}, "wording_missing"),
        ({"wording": "x" * 121}, "wording_too_long"),
        ({"code": "NO SPACES"}, "code_invalid"),
        ({"modifiers": "GT GT"}, "modifiers_invalid"),
        ({"place_of_service": "office"}, "place_invalid"),
        ({"diagnosis_ids": [new_id()]}, "diagnosis_not_found"),
        ({"diagnosis_ids": [new_id() for _ in range(5)]}, "diagnoses_too_many"),
    ],
)
def test_a_service_that_cannot_be_is_refused_and_not_written(values: dict[str, Any], code: str) -> None:
    client = make_client()
    with pytest.raises(UserError) as refused:
        record(client, **values)
    assert refused.value.code == code
    assert not Service.objects.exists()


def test_a_diagnosis_never_reaches_back_before_its_own_date() -> None:
    client = make_client()
    diagnosis = add_diagnosis(
        practice=client.practice, client=client, code="f411", diagnosed_on=date(2026, 11, 3), actor_id=None
    )
    assert diagnosis.code == "F41.1"
    service = record(client, diagnosis_ids=[diagnosis.id])
    assert list(service.diagnoses.all()) == [diagnosis]
    with pytest.raises(UserError) as refused:
        record(client, on=date(2026, 11, 2), diagnosis_ids=[diagnosis.id])
    assert refused.value.code == "diagnosis_not_in_force"


def test_pointers_keep_the_order_in_which_diagnoses_were_chosen() -> None:
    client = make_client()
    ids = [
        add_diagnosis(
            practice=client.practice, client=client, code=code, diagnosed_on=date(2026, 1, 1), actor_id=None
        ).id
        for code in ("F41.1", "F51.01", "F43.23")
    ]
    service = record(client, diagnosis_ids=[ids[2], ids[0]])
    assert list(service.pointers.order_by("position").values_list("diagnosis_id", flat=True)) == [ids[2], ids[0]]


@pytest.mark.parametrize("code", ["F4", "41.1", "F41.12345", "F41..1", "anxiety"])
def test_what_is_no_diagnosis_code_is_refused(code: str) -> None:
    client = make_client()
    with pytest.raises(UserError) as refused:
        add_diagnosis(
            practice=client.practice, client=client, code=code, diagnosed_on=date(2026, 1, 1), actor_id=None
        )
    assert refused.value.code == "diagnosis_invalid"


def test_a_code_that_ends_in_a_letter_is_a_diagnosis_too() -> None:
    client = make_client()
    diagnosis = add_diagnosis(
        practice=client.practice, client=client, code="F32.A", diagnosed_on=date(2026, 1, 1), actor_id=None
    )
    assert diagnosis.code == "F32.A"


def test_modifiers_are_two_characters_four_at_most_each_once() -> None:
    assert clean_modifiers(" gt, ho ") == "GT HO"
    for text in ("GTX", "A", "GT HO HN HP HJ"):
        with pytest.raises(UserError):
            clean_modifiers(text)


def test_a_service_is_voided_once_and_never_while_something_holds_it() -> None:
    service = record(make_client())

    def hold(ids: Any) -> bool:
        return service.id in ids

    holds.register(hold)
    try:
        with pytest.raises(UserError) as refused:
            void_service(service=service, actor_id=None)
    finally:
        holds.unregister(hold)
    assert refused.value.code == "service_invoiced"
    first = void_service(service=service, actor_id=None).voided_at
    assert first is not None
    assert void_service(service=service, actor_id=None).voided_at == first


def test_a_service_never_mixes_two_practices() -> None:
    client, other = make_client("Willow"), make_client("Harbor")
    with pytest.raises(ValueError, match="one practice"):
        record(client, clinician=make_clinician(other.practice))
    assert not Service.objects.exists()


def test_an_external_id_stands_on_one_service_of_a_practice() -> None:
    client = make_client()
    record(client, external_id="S-1")
    with pytest.raises(UserError) as refused:
        record(client, external_id="S-1")
    assert refused.value.code == "external_id_taken"
    record(make_client("Harbor"), external_id="S-1")
