"""What a plain Django programmer would write in ten minutes: the yardstick."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from bench.bare.models import Item, Movement, Purse
from paywell.core.ids import new_key


@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Session, user, three queries, twenty rows."""
    purse = Purse.objects.get(owner=request.user)
    count = Item.objects.filter(owner=request.user).count()
    items = Item.objects.filter(owner=request.user).order_by("-id")[:20]
    return render(request, "bench_page.html", {"purse": purse, "count": count, "items": items})


@csrf_exempt
@login_required
def move(request: HttpRequest) -> HttpResponse:
    """Lock a row, insert a row, update the locked one, commit."""
    with transaction.atomic():
        purse = Purse.objects.select_for_update().get(owner=request.user)
        Movement.objects.create(purse=purse, key=new_key(), amount_minor=100)
        purse.balance_minor += 100
        purse.save(update_fields=["balance_minor"])
    return HttpResponse("moved")
