"""What the installed releases say: whether a code holds on a day, and which codes have these words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from django.db.models import Q, QuerySet
from django.db.models.functions import Length

from paywell.codes.actions import fold
from paywell.codes.models import CodeRelease, DiagnosisCode
from paywell.codes.types import Finding, FoundCode, Verdict
from paywell.core.identifiers import is_diagnosis_code
from paywell.core.templatetags.paywell import day as write_day

#: What people type for what the list spells out.
_SHORT_FOR: Final[Mapping[str, str]] = {
    "adhd": "attention deficit hyperactivity",
    "asd": "autistic disorder",
    "bpd": "borderline personality",
    "gad": "generalized anxiety",
    "mdd": "major depressive",
    "ocd": "obsessive compulsive",
    "odd": "oppositional defiant",
    "ptsd": "post traumatic stress",
    "sud": "abuse dependence use",
}
#: Searched first. Together some 2,000 codes of nearly 100,000.
_COMMON: Final = ("F", "Z")
_CODE_BEGINS = re.compile(r"[a-z][0-9][0-9a-z.]*", re.ASCII)
#: Of a heading's more exact codes, that many are named.
_CHILDREN_SHOWN: Final = 4


def get_release(on: date) -> CodeRelease | None:
    """The release for dates of service on that day; the one that begins latest where several cover it."""
    return CodeRelease.objects.filter(valid_from__lte=on, valid_until__gte=on).order_by("-valid_from").first()


def list_releases() -> QuerySet[CodeRelease]:
    """All that are installed, the newest first."""
    return CodeRelease.objects.order_by("-valid_from")


def check_code(code: str, on: date) -> Verdict:
    """What is to be said of one ICD-10-CM code (with its dot) for a service or a diagnosis of that day."""
    return check_codes([code], on)[code]


def check_codes(codes: Iterable[str], on: date) -> dict[str, Verdict]:
    """The same for several codes. Two queries, and one more where a heading is among them."""
    wanted = list(dict.fromkeys(codes))
    formed = [code for code in wanted if is_diagnosis_code(code)]
    verdicts = {
        code: Verdict(code, Finding.BAD_FORM, f"{code} is not an ICD-10-CM code: it looks like F41.1.")
        for code in wanted
        if code not in formed
    }
    release = get_release(on) if formed else None
    if release is None:
        told = f"No installed list of ICD-10-CM covers {write_day(on)}, so it could not be checked."
        return verdicts | {code: Verdict(code, Finding.NOT_COVERED, f"{code}: {told}") for code in formed}
    rows = {row.code: row for row in DiagnosisCode.objects.filter(release=release, code__in=formed)}
    headings = [code for code, row in rows.items() if not row.is_billable]
    below = _list_below(release, headings)
    return verdicts | {code: _judge(code, on, release, rows.get(code), below) for code in formed}


def search_codes(text: str, on: date, *, limit: int = 20) -> list[FoundCode]:
    """Codes of that day that begin with the text, or have words that begin with each of its words.

    First what a therapy practice uses most (chapters F and Z), then the others; in each what can be billed first,
    and what is named most briefly. Where no release covers the day, the newest one is searched. At most five
    queries.
    """
    folded = fold(text)[:80]
    release = get_release(on) or list_releases().first()
    if len(folded) < 2 or release is None:
        return []
    words = [word for part in folded.split() for word in _SHORT_FOR.get(part, part).split()][:8]
    rows = DiagnosisCode.objects.filter(release=release)
    if _CODE_BEGINS.fullmatch(folded):
        return _find(_in_chapter(rows, folded[0].upper()), words, limit)
    found: list[FoundCode] = []
    for chapter in _COMMON:
        found += _find(_in_chapter(rows, chapter), words, limit - len(found))
    if len(found) < limit:
        seldom = rows.exclude(code__gte="F", code__lt="G").filter(code__lt="Z")
        found += _find(seldom, words, limit - len(found))
    return found


def _in_chapter(rows: QuerySet[DiagnosisCode], letter: str) -> QuerySet[DiagnosisCode]:
    """Codes that begin with a letter, by the index: a whole release has nearly 100,000."""
    return rows.filter(_before_next_letter(letter), code__gte=letter)


def _before_next_letter(letter: str) -> Q:
    """The end of a chapter in the index. Nothing stands behind Z."""
    return Q() if letter == "Z" else Q(code__lt=chr(ord(letter) + 1))


def _find(rows: QuerySet[DiagnosisCode], words: Sequence[str], limit: int) -> list[FoundCode]:
    """Up to `limit` of the rows that have a word which begins with each of `words`."""
    if limit <= 0:
        return []
    for word in words:
        rows = rows.filter(words__contains=f" {word}")
    rows = rows.order_by("-is_billable", Length("description"), "code")
    return [FoundCode(*row) for row in rows.values_list("code", "description", "is_billable")[:limit]]


def _judge(
    code: str, on: date, release: CodeRelease, row: DiagnosisCode | None, below: Mapping[str, list[str]]
) -> Verdict:
    if row is None and not release.is_complete:
        told = f"{code} is not in the excerpt of ICD-10-CM that is installed, so it could not be checked."
        return Verdict(code, Finding.NOT_LISTED, told)
    if row is None:
        told = f"{code} is not a valid ICD-10-CM code on {write_day(on)} (list {release.name})."
        return Verdict(code, Finding.NOT_VALID, told)
    if row.is_billable:
        return Verdict(code, Finding.VALID, description=row.description)
    exact = below.get(code, [])
    more = " and others" if len(exact) > _CHILDREN_SHOWN else ""
    told = f"{code} is a heading and can't be billed. Choose a more exact code"
    told += f": {', '.join(exact[:_CHILDREN_SHOWN])}{more}." if exact else "."
    return Verdict(code, Finding.HEADING, told, row.description)


def _list_below(release: CodeRelease, headings: list[str]) -> dict[str, list[str]]:
    """For each heading the first codes below it that can be billed."""
    if not headings:
        return {}
    begins = Q()
    for heading in headings:
        begins |= Q(code__startswith=heading, code__gte=heading) & _before_next_letter(heading[0])
    rows = DiagnosisCode.objects.filter(begins, release=release, is_billable=True)
    codes = list(rows.order_by("code").values_list("code", flat=True)[: 60 * len(headings)])
    return {heading: [code for code in codes if code.startswith(heading)] for heading in headings}
