"""Why something is owed, told to staff; and the client's questions about it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.billing.access import access_question
from paywell.billing.questions import answer_question, list_questions
from paywell.desk.access import access_line
from paywell.desk.forms.entries import AnswerForm
from paywell.desk.pages import show, succeeds
from paywell.payments.story import name_actors, tell_lines


@require_safe
@desk_view(Permission.SEE_MONEY)
def line_story(request: HttpRequest, viewer: StaffViewer, line_id: UUID) -> HttpResponse:
    """From the fee to the balance, step by step, with who did each."""
    line = access_line(viewer, line_id)
    story = tell_lines(viewer.practice.id, [line])[0]
    return show(
        request, viewer, "line_story", "clients",
        story=story, line=line, who=name_actors([step.actor_id for step in story.steps]),
        questions=list_questions(viewer.practice.id, line.id),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.TAKE_PAYMENTS)
def question_answer(request: HttpRequest, viewer: StaffViewer, question_id: UUID) -> HttpResponse:
    question = access_question(viewer, question_id)
    if question.answered_at is not None and request.method != "POST":
        messages.info(request, _("It is answered already."))
        return redirect("desk:line_story", question.line_id)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and succeeds(
        form, lambda: answer_question(viewer=viewer, question=question, answer=form.cleaned_data["answer"])
    ):
        messages.success(request, _("Answered. The client reads it in the portal."))
        return redirect("desk:line_story", question.line_id)
    story = tell_lines(viewer.practice.id, [access_line(viewer, question.line_id)])[0]
    return show(
        request, viewer, "question_answer", "inbox", question=question, form=form, story=story,
        status=422 if form.errors else 200,
    )  # fmt: skip
