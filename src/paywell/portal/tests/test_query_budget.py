"""At most ten queries for each page that everybody opens, for 5 services as for 1,000."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from paywell.payments.tests.factories import World, make_attempts, make_lines
from paywell.portal.tests.pages import count_queries

MOST = 10


def count(browser: Browser, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(path).status_code == 200
    return count_queries(queries)


@pytest.mark.parametrize("path", ["/portal/", "/portal/pay/", "/portal/payments/"])
def test_a_thousand_services_take_as_many_queries_as_five(browser: Browser, world: World, path: str) -> None:
    make_attempts(world, make_lines(world, 5))
    few = count(browser, path)
    make_attempts(world, make_lines(world, 995))
    many = count(browser, path)
    assert few == many
    assert many <= MOST


@pytest.mark.parametrize("path", ["/portal/", "/portal/pay/", "/portal/payments/"])
def test_the_second_request_asks_what_the_first_asked(browser: Browser, world: World, path: str) -> None:
    """Compiled queries are kept, answers are not."""
    make_attempts(world, make_lines(world, 30))
    assert count(browser, path) == count(browser, path) > 3
