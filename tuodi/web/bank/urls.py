"""Addresses of the bank's pages."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from tuodi.org.models import DutyCode
from tuodi.web.bank import accounts, batches, links, queue, recalls
from tuodi.web.components.doors import PAYMENT, open_to

_payment = open_to(*PAYMENT)

#: Part of the web room's own list, so that names and doors are those of all pages.
urlpatterns: list[URLPattern] = [
    path("bank/", _payment(links.show), name="bank"),
    path("bank/todo/", _payment(queue.show), name="bank-todo"),
    path("bank/decisions/<int:pk>/", require_POST(_payment(queue.close)), name="bank-decision"),
    path("bank/statements/<int:pk>/", _payment(links.statement), name="bank-statement"),
    path(
        "runs/<int:pk>/accounts/", open_to(DutyCode.PAY_SEND, DutyCode.PAY_CHECK)(accounts.show), name="bank-accounts"
    ),
    path("runs/<int:pk>/accounts/file/", open_to(DutyCode.PAY_SEND)(accounts.download), name="bank-accounts-file"),
    path("runs/<int:pk>/batches/<int:batch>/", _payment(batches.show), name="bank-batch"),
    path(
        "runs/<int:pk>/batches/<int:batch>/recalls/<int:recall>/",
        open_to(DutyCode.PAY_SEND)(recalls.download),
        name="bank-recall-file",
    ),
]
