"""What stands around every portal page, and the start page."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.accounts.tests.factories import make_practice, make_staff, make_user
from paywell.clients.access import OPEN_ACCOUNT
from paywell.clients.actions import end_grant
from paywell.clients.models import Contact, Grant
from paywell.clients.tests.factories import make_client, make_grant, make_portal_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("paywell.clients.tests.portal_urls")]
HOME = "/test-portal/home/"


@pytest.fixture
def parent():
    """One person with two accounts at one practice, the first one first by name."""
    practice = make_practice()
    user, _ = make_portal_user(practice)
    second = make_client(practice, legal_first_name="Zoe")
    make_grant(Contact.objects.get(user=user), second, role="guardian")
    return user


def _accounts(user):
    rows = Grant.objects.filter(contact__user=user).order_by("account__name")
    return [str(account_id) for account_id in rows.values_list("account_id", flat=True)]


def test_without_sign_in_the_page_comes_after_it(client):
    answer = client.get(HOME)
    assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/test-portal/home/")
    assert answer["Cache-Control"] == "no-store, private"


def test_a_page_is_never_stored(client, parent):
    client.force_login(parent)
    assert client.get(HOME)["Cache-Control"] == "no-store, private"


def test_the_switcher_opens_an_account_and_keeps_it_open(client, parent):
    first, second = _accounts(parent)
    client.force_login(parent)
    assert client.get(HOME).content.decode() == first
    assert client.post(f"/test-portal/switch/{second}/").content.decode() == second
    assert client.get(HOME).content.decode() == second


def test_another_persons_account_is_a_404_with_a_line_in_the_log_and_changes_nothing(client, parent, caplog):
    _, stranger = make_portal_user(make_practice())
    client.force_login(parent)
    client.get(HOME)
    before = dict(client.session)
    answer = client.post(f"/test-portal/switch/{stranger.default_account_id}/")
    assert answer.status_code == 404
    assert stranger.name not in answer.content.decode()
    assert f"viewer={parent.id} kind=account target={stranger.default_account_id}" in caplog.text
    assert dict(client.session) == before


def test_an_account_put_into_the_session_opens_nothing_that_is_not_theirs(client, parent):
    _, stranger = make_portal_user(make_practice())
    client.force_login(parent)
    session = client.session
    session[OPEN_ACCOUNT] = str(stranger.default_account_id)
    session.save()
    assert client.post(HOME).status_code == 404
    assert client.get(HOME).content.decode() == _accounts(parent)[0]


def test_when_the_open_accounts_grant_ends_a_page_opens_what_is_left_but_a_form_does_nothing(client, parent):
    first, second = _accounts(parent)
    client.force_login(parent)
    client.post(f"/test-portal/switch/{second}/")
    end_grant(grant=Grant.objects.get(account_id=second), actor_id=None)
    assert client.post(HOME).status_code == 404
    assert client.get(HOME).content.decode() == first


def test_an_ended_grant_closes_the_portal_within_a_session(client):
    user, _ = make_portal_user(make_practice())
    client.force_login(user)
    assert client.get(HOME).status_code == 200
    end_grant(grant=Grant.objects.get(), last_day=date(2026, 1, 1), actor_id=None)
    assert client.get(HOME).status_code == 404


def test_a_page_needs_three_queries_until_its_own(client, parent):
    client.force_login(parent)
    client.get(HOME)
    with CaptureQueriesContext(connection) as queries:
        client.get(HOME)
    read = [query["sql"] for query in queries if "set_config" not in query["sql"]]
    assert len(read) == 3, read  # session, user, grants with everything


def test_the_start_page_leads_each_to_where_they_belong(client):
    practice = make_practice()
    assert client.get("/")["Location"] == "/account/login/"
    someone, _ = make_portal_user(practice)
    client.force_login(someone)
    assert client.get("/")["Location"] == HOME
    make_staff(practice, user=someone)
    page = client.get("/").content.decode()
    assert HOME in page
    assert "/test-desk/inbox/" in page
    client.force_login(make_staff(practice).user)
    assert client.get("/")["Location"] == "/test-desk/inbox/"
    client.force_login(make_user())
    answer = client.get("/")
    assert answer.status_code == 200
    assert "no practice gives you access at present" in answer.content.decode()
