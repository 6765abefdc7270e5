"""The worlds of the rooms below, shared."""

from __future__ import annotations

from paywell.books.tests.test_any_order import begin as begin
from paywell.payments.tests.conftest import processor as processor
