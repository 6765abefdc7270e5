"""Imports as long work: a check that changes nothing, then the rows one by one, each once.

A row is read in as a whole or left out with the reason; it and the mark that it is done commit together. A check
does the same and takes it back.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from paywell.accounts.access import access_desk_as
from paywell.accounts.types import StaffViewer
from paywell.care.imports.files import READINGS, Parsed, digest_of, parse, read_content
from paywell.care.models import ImportFile, ImportList
from paywell.core.csv_export import harmless
from paywell.core.csv_import import Report, RowError, read_table
from paywell.core.errors import NotAllowed, UserError
from paywell.work.actions import request_work
from paywell.work.kinds import Kind, work_kind
from paywell.work.models import ItemState, Work, WorkItem
from paywell.work.types import Done, Finished, Item, NewFile, Result, Skipped

NEW: Final = "New"
CHANGED: Final = "Changed"
SAME: Final = "As it was"


def choose_columns(viewer: StaffViewer, file: ImportFile, mapping: Mapping[str, str]) -> Work:
    """Keep which column is which (header: field), and have the file checked by it.

    Raises BadFile, and UserError `imported` where the file is read in already.
    """
    if find_work(file, "import"):
        raise UserError(_("This file was imported. Bring it again to choose other columns."), code="imported")
    headers = read_table(read_content(file)).headers
    found = READINGS[ImportList(file.list)].map_columns(headers, mapping)
    known = {header: name for name, header in found.by_field.items()}
    file.mapping = {header: known.get(header, "") for header in headers if header}
    file.save(update_fields=["mapping"])
    return request_check(viewer, file)


def request_check(viewer: StaffViewer, file: ImportFile) -> Work:
    """Have the file checked with its columns as they are now. Once for each choice of columns."""
    return _request(viewer, file, "check", _("Check of %(name)s"))


def request_import(viewer: StaffViewer, file: ImportFile) -> Work:
    """Have the file's rows read in. Once for each file, however often it is asked for."""
    check = find_work(file, "check")
    if check is None or check.is_open:
        raise UserError(_("Wait until the file is checked."), code="not_checked")
    return _request(viewer, file, "import", _("Import of %(name)s"))


def find_work(file: ImportFile, step: str) -> Work | None:
    """The `check` of the file with its present columns, or its `import`."""
    return Work.objects.filter(practice_id=file.practice_id, key=_key(file, step)).first()


def count_outcomes(work: Work) -> dict[str, int]:
    """How many rows are new, changed, as they were."""
    done = work.items.filter(state=ItemState.DONE).values_list("words").annotate(n=Count("id"))
    counted: dict[str, int] = dict(done)
    return counted


def _request(viewer: StaffViewer, file: ImportFile, step: str, title: str) -> Work:
    if not viewer.may(READINGS[ImportList(file.list)].needs):
        raise NotAllowed
    return request_work(
        practice_id=viewer.practice.id,
        kind=f"{step}_{file.list}",
        title=title % {"name": file.name},
        actor_id=viewer.id,
        parameters={"file": str(file.id), "digest": digest_of(file)},
        key=_key(file, step),
    )


def _key(file: ImportFile, step: str) -> str:
    return f"{step}-{digest_of(file)}" if step == "check" else f"{step}-{file.id.hex}"


class _Rows(Kind):
    """The rows of a file, so many in one transaction, each in a savepoint of its own.

    Few: on SQLite nobody else writes meanwhile, and on a busy machine a row can take a twentieth of a second.
    """

    batch: ClassVar[int] = 20
    brings: ClassVar[ImportList]
    is_check: ClassVar[bool]

    #: The file that was parsed last, by its digest: the steps of one work read the same one.
    _parsed: tuple[str, Parsed] | None = None

    def plan(self, work: Work) -> Iterable[Item]:
        self._access(work)
        parsed = self._parse(work)
        numbers = [*parsed.errors, *(number for number in parsed.rows if number not in parsed.errors)]
        return [Item(label=_("Row %(n)s") % {"n": number}, data={"row": number}) for number in numbers]

    def do(self, work: Work, items: Sequence[WorkItem]) -> Sequence[Result]:
        viewer, parsed = self._access(work), self._parse(work)
        with transaction.atomic():
            results = self._read(viewer, parsed, [item.data["row"] for item in items])
            if self.is_check:
                transaction.set_rollback(True)
        return results

    def finish(self, work: Work) -> Finished:
        counted = count_outcomes(work)
        told = _("%(new)s new, %(changed)s changed, %(same)s as they were.")
        if self.is_check:
            told = _("This would be %(new)s new, %(changed)s changed, %(same)s as they are.")
        values = {"new": counted.get(NEW, 0), "changed": counted.get(CHANGED, 0), "same": counted.get(SAME, 0)}
        return Finished(summary={"lines": [told % values]}, files=[_list_rows(work)])

    def release(self) -> None:
        self._parsed = None

    def _access(self, work: Work) -> StaffViewer:
        return access_desk_as(work.requested_by, work.practice_id, READINGS[self.brings].needs)

    def _parse(self, work: Work) -> Parsed:
        """Raises UserError where the file is gone, or its columns were chosen anew meanwhile."""
        digest = work.parameters["digest"]
        if self._parsed is None or self._parsed[0] != digest:
            file = ImportFile.objects.filter(
                practice_id=work.practice_id, pk=UUID(work.parameters["file"]), list=self.brings
            ).first()
            if file is None:
                raise UserError(_("The file is not kept any more. Upload it again."), code="file_gone")
            if digest_of(file) != digest:
                raise UserError(_("Other columns were chosen meanwhile."), code="columns_changed")
            self._parsed = digest, parse(file)
        return self._parsed[1]

    def _read(self, viewer: StaffViewer, parsed: Parsed, numbers: Sequence[int]) -> list[Result]:
        rows = [parsed.rows[number][0] for number in numbers if number in parsed.rows]
        run = READINGS[self.brings].begin(viewer.practice, viewer.id, Report(), rows, self.is_check)
        results: list[Result] = []
        for number in numbers:
            run.report = Report(errors=list(parsed.errors.get(number, ())))
            if not run.report.errors:
                run.read_row(*parsed.rows[number])
            results.append(_result(run.report))
        return results


def _result(report: Report) -> Result:
    if report.errors:
        return Skipped(" ".join(_say(error) for error in report.errors))
    return Done(words=NEW if report.created else CHANGED if report.updated else SAME)


def _say(error: RowError) -> str:
    return f"{error.column}: {error.reason}" if error.column else error.reason


def _list_rows(work: Work) -> NewFile:
    """What became of each row, in the order of the file."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_("Row"), _("Result"), _("Why")])
    items = work.items.values_list("data", "state", "words")
    for data, state, words in sorted(items, key=lambda each: each[0]["row"]):
        if state == ItemState.DONE:
            writer.writerow([data["row"], words, ""])
        else:
            writer.writerow([data["row"], _("Left out"), harmless(words)])
    return NewFile("rows.csv", "text/csv; charset=utf-8", out.getvalue().encode("utf-8-sig"))


def _register() -> None:
    for one in ImportList:
        for step in ("check", "import"):
            kind = type(f"{step}_{one}", (_Rows,), {"brings": one, "is_check": step == "check"})
            work_kind(f"{step}_{one.value}", needs=READINGS[one].needs.value)(kind)


_register()
