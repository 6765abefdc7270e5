"""Signing out by itself: to the second, on the server, and never by work of the browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from paywell.accounts.tests.factories import make_practice, make_staff
from paywell.core import clock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("paywell.accounts.tests.desk_urls")]

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PAGE = "/test-desk/inbox/"


@pytest.fixture
def desk(client):
    with clock.set_to(START):
        client.force_login(make_staff(make_practice(staff_idle_minutes=15)).user)
        assert client.get(PAGE).status_code == 200
    return client


def _get(client, after: timedelta, **headers):
    with clock.set_to(START + after):
        return client.get(PAGE, headers=headers)


@pytest.mark.parametrize(("seconds", "status"), [(14 * 60 + 59, 200), (15 * 60, 302), (15 * 60 + 1, 302)])
def test_fifteen_minutes_without_a_request_end_the_session(desk, seconds, status):
    answer = _get(desk, timedelta(seconds=seconds))
    assert answer.status_code == status
    if status == 302:
        assert answer["Location"] == "/account/login/?next=/test-desk/inbox/&why=idle"
        assert "_auth_user_id" not in desk.session
        with clock.set_to(START + timedelta(seconds=seconds)):
            assert "not used for a while" in desk.get(answer["Location"]).content.decode()


def test_the_practice_says_how_many_minutes(client):
    with clock.set_to(START):
        client.force_login(make_staff(make_practice(staff_idle_minutes=5)).user)
        client.get(PAGE)
    assert _get(client, timedelta(minutes=4, seconds=59)).status_code == 200
    assert _get(client, timedelta(minutes=9, seconds=59)).status_code == 302


def test_each_request_begins_the_minutes_anew_until_twelve_hours(desk):
    for minutes in range(10, 12 * 60, 10):
        assert _get(desk, timedelta(minutes=minutes)).status_code == 200
    assert _get(desk, timedelta(hours=11, minutes=59, seconds=59)).status_code == 200
    answer = _get(desk, timedelta(hours=12))
    assert answer["Location"] == "/account/login/?next=/test-desk/inbox/&why=long"


def test_a_page_that_asks_by_itself_does_not_count_as_being_there(desk):
    assert _get(desk, timedelta(minutes=14), **{"X-Background": "1"}).status_code == 200
    assert _get(desk, timedelta(minutes=15)).status_code == 302


def test_keep_alive_tells_and_prolongs(desk):
    with clock.set_to(START + timedelta(minutes=13)):
        assert desk.get("/account/keep-alive/").json() == {"left_s": 120}
        assert desk.post("/account/keep-alive/").json() == {"left_s": 900}
    assert _get(desk, timedelta(minutes=27, seconds=59)).status_code == 200
    with clock.set_to(START + timedelta(minutes=43)):
        answer = desk.get("/account/keep-alive/")
    assert (answer.status_code, answer.json()) == (401, {"left_s": 0})


def test_asking_how_long_is_left_prolongs_nothing(desk):
    with clock.set_to(START + timedelta(minutes=14)):
        desk.get("/account/keep-alive/")
    assert _get(desk, timedelta(minutes=15)).status_code == 302


def test_prolonging_works_more_than_ten_times_but_not_past_twelve_hours(desk):
    for minutes in range(14, 12 * 60, 14):
        with clock.set_to(START + timedelta(minutes=minutes)):
            left = desk.post("/account/keep-alive/").json()["left_s"]
    assert left == (12 * 60 - minutes) * 60
    assert left < 900


@pytest.mark.parametrize("value", [None, "", "garbage", "99999999999999~999.forged"])
def test_without_an_honest_cookie_the_minutes_count_from_the_sign_in(desk, value):
    assert _get(desk, timedelta(minutes=10)).status_code == 200
    if value is None:
        del desk.cookies["sessionid-seen"]
    else:
        desk.cookies["sessionid-seen"] = value
    assert _get(desk, timedelta(minutes=20)).status_code == 302


def test_the_cookie_of_another_session_is_worth_nothing(desk):
    other = Client()
    with clock.set_to(START + timedelta(minutes=14)):
        other.force_login(make_staff(make_practice()).user)
        other.get(PAGE)
    desk.cookies["sessionid-seen"] = other.cookies["sessionid-seen"].value
    assert _get(desk, timedelta(minutes=20)).status_code == 302


def test_being_there_costs_no_query(desk):
    with clock.set_to(START + timedelta(minutes=1)), CaptureQueriesContext(connection) as queries:
        desk.get(PAGE)
    read = [query["sql"] for query in queries if "set_config" not in query["sql"]]
    assert len(read) == 3, read  # session, user, membership


def test_a_page_that_needs_no_sign_in_still_answers(desk):
    with clock.set_to(START + timedelta(hours=1)):
        assert desk.get("/account/password/reset/").status_code == 200


def test_the_warning_stands_on_pages_of_signed_in_people_only(desk, client):
    with clock.set_to(START + timedelta(minutes=1)):
        page = desk.get("/account/2fa/").content.decode()
    assert 'id="idle"' in page
    assert 'data-minutes="15"' in page
    desk.logout()
    assert 'id="idle"' not in desk.get("/account/login/").content.decode()
