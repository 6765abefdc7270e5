"""Notices of processors: verified, stored once, answered. Acting on them is a job's work (`payments.noticing`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn
from uuid import UUID

from paywell.core.db import phase
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.prepared import Prepared
from paywell.core.security_log import access_refused
from paywell.payments import processor_accounts
from paywell.payments.models import ProcessorAccount, StoredNotice
from paywell.payments.notice_alerts import count_refused, count_taken
from paywell.processors.contract import BadNotice, RawNotice, Report

#: The longest body that is read, in bytes. Real notices have a few kilobytes.
BODY_MAX: Final = 256 * 1024
_REF_MAX: Final = 120
_KIND_MAX: Final = 60
_REFERENCE_MAX: Final = 20

_ACCOUNT = Prepared(lambda account: ProcessorAccount.objects.filter(id=account))


def access_notified_account(processor_account_id: UUID) -> ProcessorAccount:
    """The account whose address was called, also a disconnected one: its payments go on having news.

    Raises NotFoundForViewer, with a security log line.
    """
    account = _ACCOUNT.first(account=processor_account_id)
    if account is None:
        access_refused(viewer="processor", kind="notice address", target=processor_account_id, reason="unknown")
        raise NotFoundForViewer
    return account


def receive_notice(*, account: ProcessorAccount, notice: RawNotice) -> list[StoredNotice]:
    """Verify and store. When this returns, everything new is committed and a job for each will run.

    Returns what was new; a notice that comes again is left as it is. Raises BadNotice, with a security log
    line, and stores nothing for one that can't be verified or read, or is of the other mode (test or live).
    """
    reports = _verify(account, notice)
    with phase():
        stored = [_store(account, report, notice) for report in reports]
        count_taken(account)
    new = [row for row in stored if row is not None]
    from paywell.payments.jobs import settle_notice

    # After the commit: the job must find the row. Should the queue be away, the reconciler finds it, too.
    for row in new:
        settle_notice.enqueue(str(row.id))
    return new


def _verify(account: ProcessorAccount, notice: RawNotice) -> Sequence[Report]:
    try:
        reports = processor_accounts.make_processor(account).read_notice(notice)
    except BadNotice as error:
        _refuse(account, str(error))
    except (UserError, LookupError) as error:  # a test processor where none is allowed, a setting that is missing
        _refuse(account, type(error).__name__)
    for report in reports:
        if not 0 < len(report.event_id) <= _REF_MAX or len(report.charge_ref) > _REF_MAX:
            _refuse(account, "names too long or missing")
        if report.live_mode is not None and report.live_mode is not account.live_mode:
            _refuse(account, "other mode")
    return reports


def _store(account: ProcessorAccount, report: Report, notice: RawNotice) -> StoredNotice | None:
    """The notice as a row; None where it is there already. Two at once: the unique rule lets one through."""
    row, is_new = StoredNotice.objects.get_or_create(
        practice_id=account.practice_id,
        processor_account_id=account.id,
        event_id=report.event_id,
        defaults={
            "kind": report.kind[:_KIND_MAX],
            "charge_ref": report.charge_ref,
            # A longer one can't be ours.
            "reference": report.reference if len(report.reference) <= _REFERENCE_MAX else "",
            "received_at": notice.received_at,
        },
    )
    return row if is_new else None


def _refuse(account: ProcessorAccount, reason: str) -> NoReturn:
    access_refused(viewer="processor", kind="notice", target=account.id, reason=reason[:100])
    count_refused(account, reason[:100])
    raise BadNotice(reason)
