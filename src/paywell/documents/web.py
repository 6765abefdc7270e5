"""Documents as HTTP responses: the PDF, and the page for the browser's print dialog. No cache keeps either."""

from __future__ import annotations

from base64 import b64encode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as render_template
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from paywell.documents.pdf import render
from paywell.documents.present import note_missing_letters, present
from paywell.documents.redact import without_wordings
from paywell.documents.types import Document, ReceiptDocument, RefundDocument

_NOT_KEPT = "no-store, private"
_PLAIN = "plain"


def pdf_response(document: Document, filename: str = "") -> HttpResponse:
    """The PDF, shown by the browser. `filename` is by default the kind and number: no name stands in it."""
    response = HttpResponse(render(document), content_type="application/pdf")
    response["Content-Disposition"] = (
        content_disposition_header(False, filename or filename_of(document)) or "inline"
    )
    return _not_kept(response)


def page_response(
    request: HttpRequest,
    document: Document,
    *,
    pdf_url: str = "",
    back_url: str = "",
) -> HttpResponse:
    """The printable page, with a Print button, and links to the PDF and back where they are given.

    A receipt links to itself in its other grade of privacy (`in_grade`), and to the PDF of the grade shown.
    """
    shown, other = in_grade(request, document), ("", "")
    if shown is not document:
        pdf_url, other = f"{pdf_url}?{_PLAIN}=1", (request.path, _("With the services"))
    elif _has_grades(document):
        other = (f"{request.path}?{_PLAIN}=1", _("Without the services"))
    context = {
        "sheet": _labeled(note_missing_letters(present(shown), on_paper=False)),
        "logo": _data_url(document.letterhead.logo),
        "pdf_url": pdf_url,
        "back_url": back_url,
        "other": other,
    }
    return _not_kept(render_template(request, f"documents/{document.kind}.html", context))


def in_grade(request: HttpRequest, document: Document) -> Document:
    """A receipt with the names of services, as an HSA or FSA wants it; where plain is asked for, without them."""
    if isinstance(document, ReceiptDocument | RefundDocument) and _has_grades(document):
        return without_wordings(document) if request.GET.get(_PLAIN) == "1" else document
    return document


def _has_grades(document: Document) -> bool:
    return isinstance(document, ReceiptDocument | RefundDocument) and any(each.wording for each in document.items)


def filename_of(document: Document) -> str:
    """`invoice-INV-0142.pdf`: letters, digits and hyphens alone."""
    number = "".join(char if char.isascii() and char.isalnum() else "-" for char in document.number)
    return f"{document.kind}-{number}.pdf"


def _data_url(png: bytes) -> str:
    """The logo within the page itself: an issued document shows the one of its day, which may have no address."""
    return f"data:image/png;base64,{b64encode(png).decode()}" if png else ""


def _labeled(sheet: dict[str, object]) -> dict[str, object]:
    """The printed form with each table's cells beside their columns, as a template needs them."""
    for value in sheet.values():
        if isinstance(value, dict):
            _labeled(value)
            if "columns" in value:
                value["labeled_rows"] = [list(zip(value["columns"], row, strict=True)) for row in value["rows"]]
    return sheet


def _not_kept(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = _NOT_KEPT
    response["X-Content-Type-Options"] = "nosniff"
    response.is_audited = True  # type: ignore[attr-defined]  # by `documents.access`, which fetched it
    return response
