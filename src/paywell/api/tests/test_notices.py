from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django_tasks import default_task_backend

from paywell.core import clock
from paywell.core.db import all_practices
from paywell.core.ids import new_id
from paywell.payments import notices
from paywell.payments.models import ProcessorAccount, StoredNotice
from paywell.payments.processor_accounts import disconnect_processor
from paywell.payments.tests.factories import make_world

SECRET = "whsec_1"


@pytest.fixture
def account(db: None) -> ProcessorAccount:
    account = make_world().processor_account
    account.settings = {"base_url": "http://127.0.0.1:8001", "account": "acct_1"}
    account.secrets = {"api_key": "key_1", "notice_secret": SECRET, "previous_notice_secret": "whsec_0"}
    account.save()
    return account


@pytest.fixture(autouse=True)
def _no_jobs_yet() -> None:
    default_task_backend.clear()  # type: ignore[attr-defined]


def jobs() -> list[tuple[Any, ...]]:
    return [tuple(result.args) for result in default_task_backend.results]  # type: ignore[attr-defined]


def make_body(event_id: str = "evt_1", **changes: Any) -> bytes:
    data = {"charge": "ch_1", "reference": "A" * 20}
    return json.dumps({"id": event_id, "type": "charge.paid", "live_mode": False, "data": data} | changes).encode()


def ring(
    account: ProcessorAccount | UUID, body: bytes, *, secret: str = SECRET, age_s: int = 0, **headers: str
) -> HttpResponse:
    sent_at = str(int(clock.now().timestamp()) - age_s)
    signed = hmac.new(secret.encode(), sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()
    account_id = account if isinstance(account, UUID) else account.id
    return Client(enforce_csrf_checks=True).post(
        reverse("api:notices", args=[account_id]),
        data=body,
        content_type="application/json",
        headers={"Test-Signature": f"t={sent_at},v1={signed}"} | headers,
    )


def assert_refused(response: HttpResponse, log: pytest.LogCaptureFixture, reason: str) -> None:
    assert response.status_code == 400
    assert not StoredNotice.objects.exists()
    assert jobs() == []
    assert reason in log.text
    assert log.records[-1].name in ("paywell.security", "django.request")


def test_a_verified_notice_is_stored_and_a_job_is_queued(account: ProcessorAccount) -> None:
    response = ring(account, make_body())
    assert (response.status_code, response.content) == (200, b"stored")
    notice = StoredNotice.objects.get()
    assert (notice.practice_id, notice.processor_account, notice.done_at) == (account.practice_id, account, None)
    assert (notice.event_id, notice.kind) == ("evt_1", "charge.paid")
    assert (notice.charge_ref, notice.reference) == ("ch_1", "A" * 20)
    assert jobs() == [(str(notice.id),)]


def test_f18_the_same_notice_again_is_answered_alike_and_stored_once(account: ProcessorAccount) -> None:
    assert [ring(account, make_body()).status_code for _ in range(3)] == [200, 200, 200]
    assert (StoredNotice.objects.count(), len(jobs())) == (1, 1)


def test_the_same_event_id_at_two_accounts_is_two_notices(account: ProcessorAccount) -> None:
    other = make_world("Hillside").processor_account
    other.settings, other.secrets = account.settings, account.secrets
    other.save()
    assert [ring(account, make_body()).status_code, ring(other, make_body()).status_code] == [200, 200]
    with all_practices():  # the last request saw its own practice only
        assert StoredNotice.objects.count() == 2


def test_f54_the_previous_secret_is_still_taken(account: ProcessorAccount) -> None:
    assert ring(account, make_body(), secret="whsec_0").status_code == 200


def test_a_disconnected_account_still_hears(account: ProcessorAccount) -> None:
    disconnect_processor(practice=account.practice, actor_id=None)
    assert ring(account, make_body()).status_code == 200


def test_f17_a_forged_signature_is_refused(account: ProcessorAccount, caplog: pytest.LogCaptureFixture) -> None:
    assert_refused(ring(account, make_body(), secret="guessed"), caplog, "kind=notice")


def test_a_notice_without_a_signature_is_refused(
    account: ProcessorAccount, caplog: pytest.LogCaptureFixture
) -> None:
    assert_refused(ring(account, make_body(), **{"Test-Signature": ""}), caplog, "not signed")


@pytest.mark.parametrize("age_s", [301, -301])
def test_a_notice_outside_the_time_window_is_refused(
    account: ProcessorAccount, caplog: pytest.LogCaptureFixture, age_s: int
) -> None:
    assert_refused(ring(account, make_body(), age_s=age_s), caplog, "time window")


def test_a_body_that_was_changed_by_one_byte_is_refused(
    account: ProcessorAccount, caplog: pytest.LogCaptureFixture
) -> None:
    genuine = ring(account, make_body())
    signature = genuine.wsgi_request.headers["Test-Signature"]  # type: ignore[attr-defined]
    StoredNotice.objects.all().delete()
    default_task_backend.clear()  # type: ignore[attr-defined]
    changed = make_body().replace(b"ch_1", b"ch_2")
    assert_refused(ring(account, changed, **{"Test-Signature": signature}), caplog, "signature")


def test_f17_without_a_secret_nothing_is_believed(
    account: ProcessorAccount, caplog: pytest.LogCaptureFixture
) -> None:
    account.secrets = {"api_key": "key_1", "notice_secret": ""}
    account.save()
    assert_refused(ring(account, make_body(), secret=""), caplog, "no secret")


def test_f19_a_notice_of_the_other_mode_is_refused(
    account: ProcessorAccount, caplog: pytest.LogCaptureFixture
) -> None:
    assert_refused(ring(account, make_body(live_mode=True)), caplog, "other mode")


@pytest.mark.parametrize("event_id", ["", "x" * 121])
def test_an_event_without_a_fitting_id_is_refused(
    account: ProcessorAccount, caplog: pytest.LogCaptureFixture, event_id: str
) -> None:
    assert_refused(ring(account, make_body(event_id)), caplog, "names too long or missing")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b'{"id": 1}'])
def test_a_signed_notice_that_can_t_be_read_is_refused(
    account: ProcessorAccount, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    assert_refused(ring(account, body), caplog, "can't be read")


def test_a_test_processor_is_not_heard_where_real_money_is_taken(
    account: ProcessorAccount, caplog: pytest.LogCaptureFixture, settings: LazySettings
) -> None:
    settings.ALLOW_TEST_PROCESSORS = False
    assert_refused(ring(account, make_body()), caplog, "UserError")


def test_a_reference_that_can_t_be_ours_is_left_out(account: ProcessorAccount) -> None:
    ring(account, make_body(data={"charge": "ch_1", "reference": "B" * 21}))
    assert StoredNotice.objects.get().reference == ""


@pytest.mark.parametrize("length", [256 * 1024 + 1, 3_000_000])
def test_a_body_above_256_kilobytes_is_not_read(account: ProcessorAccount, length: int) -> None:
    assert ring(account, b"x" * length).status_code == 413
    assert not StoredNotice.objects.exists()


def test_an_unknown_address_is_not_found_and_logged(
    account: ProcessorAccount, caplog: pytest.LogCaptureFixture
) -> None:
    unknown = new_id()
    assert ring(unknown, make_body()).status_code == 404
    assert f"target={unknown}" in caplog.text


def test_the_address_takes_post_alone(account: ProcessorAccount) -> None:
    assert Client().get(reverse("api:notices", args=[account.id])).status_code == 405


def test_f63_when_it_can_t_be_stored_the_processor_is_asked_to_send_again(
    account: ProcessorAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(notices, "_store", fail)
    client = Client(raise_request_exception=False)
    body = make_body()
    sent_at = str(int(clock.now().timestamp()))
    signed = hmac.new(SECRET.encode(), sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"Test-Signature": f"t={sent_at},v1={signed}"}
    url = reverse("api:notices", args=[account.id])
    assert client.post(url, data=body, content_type="application/json", headers=headers).status_code == 500
    assert jobs() == []


def test_no_secret_and_no_body_reaches_the_log(account: ProcessorAccount, caplog: pytest.LogCaptureFixture) -> None:
    ring(account, make_body(data={"charge": "ch_private", "reference": ""}), secret="guessed")
    assert "ch_private" not in caplog.text
    assert SECRET not in caplog.text


def test_only_the_notice_address_and_pay_links_without_a_cookie_do_without_the_csrf_token() -> None:
    from django.urls import get_resolver

    exempt = [
        f"{pattern.callback.__module__}.{pattern.callback.__name__}"
        for resolver in get_resolver().url_patterns
        for pattern in getattr(resolver, "url_patterns", [resolver])
        if getattr(getattr(pattern, "callback", None), "csrf_exempt", False)
    ]
    assert "paywell.api.views.notices" in exempt
    assert {name.rpartition(".")[0] for name in exempt} == {"paywell.api.views", "paywell.portal.views.link"}
    assert len([name for name in exempt if name.startswith("paywell.api")]) == 1
