"""Accounts asked before money goes out (账户预校验): the file, its answer, and which lines will be held back."""

from __future__ import annotations

import io
from typing import Any

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.exchange.bank import bank_profiles, load_bank_profile
from tuodi.monitoring import change_reports
from tuodi.monitoring.models import ChangeReport
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.payments import actions, bank_queries, queries, tasks
from tuodi.payments.models import AccountProposal, PayRun
from tuodi.payments.states import MessageState, RunState
from tuodi.web.bank import looks
from tuodi.web.bank.queue import TODO
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField

MAX_BYTES = 20 * 2**20


def pairs() -> list[tuple[str, str]]:
    """Formats that are pairs of tables."""
    return [(name, label) for name, label in bank_profiles().items() if load_bank_profile(name).format != "iso20022"]


class AnswerForm(forms.Form):
    """The bank's answer."""

    file = UploadField(
        most=MAX_BYTES,
        refusal="文件超过 20 MB，不像预校验结果。请核对。",
        label="预校验结果",
        help_text="银行返回的原文件，不要改动",
    )
    profile = forms.ChoiceField(label="文件格式")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["profile"].choices = pairs()


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """What the bank said of each account, those it refuses first; a POST takes an answer."""
    user: Any = request.user
    run = queries.access_run(user, pk)
    open_now = run.state in (RunState.CALCULATED, RunState.CHECKED, RunState.APPROVED)
    may = open_now and DutyCode.PAY_SEND in navigation.held_duties(request)
    if may and request.method == "POST" and posting.text(request, "do", 10) == "ask":
        return _ask(request, run)
    if request.method == "POST" and posting.text(request, "do", 10) == "report":
        return _report(request, run)
    form = AnswerForm(request.POST or None, request.FILES or None) if may else None
    if form is not None and request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        posting.attempt(
            request,
            lambda: actions.import_account_check(
                run,
                acting_user=user,
                data=given.read(),
                name=given.name or "预校验结果",
                profile=form.cleaned_data["profile"],
            ),
            lambda rows: f"收到 {len(rows):,} 个账户的结果，不能入账的 {sum(not one.ok for one in rows):,} 个。",
        )
        return posting.back(reverse("web:bank-accounts", args=[run.pk]))
    rows = bank_queries.account_checks(run)
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    reading.note_list(request, "账户预校验", [one.line.household_id for one in page.items], [])
    layout = load_bank_profile("generic-csv")
    context = {
        "run_href": reverse("web:run", args=[run.pk]),
        "run_label": f"{queries.month_of(run)} 发放",
        "totals": bank_queries.account_check_totals(run),
        "form": form,
        "may": may,
        "lines_to_banks": _by_message(run) if may else [],
        "asked": [
            {"row": one, "look": looks.MESSAGES[MessageState(one.message.state)], "n": len(one.lines)}
            for one in run.inquiries.select_related("message", "made_by").order_by("-id")[:5]
        ],
        "file_href": reverse("web:bank-accounts-file", args=[run.pk]),
        "page": Page(
            [
                {
                    "name": one.line.person.name if one.line.person else one.line.household.head.name,
                    "place": places.path(one.region), "holder": one.line.holder, "last4": one.line.account_last4, "ok": one.ok,
                    "code": one.code, "message": one.message, "at": one.at, "todo": TODO.get(layout.class_of(one.code), ("", ""))[0],
                    "href": reverse("web:family", args=[one.line.household_id]), "pk": one.pk, "proposal": getattr(one, "proposal", None),
                    "care": one.line.programme == "care",
                    "may_report": one.line.programme != "care" and navigation.may(request, change_reports.DUTIES, one.region),
                }
                for one in page.items
            ],
            page.number, None, page.previous, page.next,
        ),
    }  # fmt: skip
    return render(request, "bank/accounts.html", context)


def _report(request: HttpRequest, run: PayRun) -> HttpResponse:
    """Opens a report of change for a proposal; who closes it looks at the papers and enters the account."""
    user: Any = request.user
    check = bank_queries.account_checks(run).filter(pk=posting.number(request, "check"), proposal__isnull=False).first()
    if check is None:
        raise NotFoundError("银行提议")
    home = check.line.household
    open_ = ChangeReport.objects.filter(household=home, kind="account", state__in=["reported", "checked"]).first()
    if open_ is not None:
        posting.succeed(request, f"这一家已有账户变化报告 {open_.no}，银行的提议列在里面。")
        return posting.back(reverse("web:change", args=[open_.pk]))
    ok, made = posting.attempt(
        request,
        lambda: change_reports.report_change(
            home, kind="account", happened_on=localtime(check.at).date(), acting_user=user, source=ChangeReport.Source.FOUND,
            text=f"账户校验 {check.no}：银行提议更换（{_told(check.proposal)}）。核对证件后办结。",
        ),
        lambda row: f"已登记账户变化报告 {row.no}。核对证件后办结，办结前仍用原账户。",
    )  # fmt: skip
    if not ok or made is None:
        return posting.back(reverse("web:bank-accounts", args=[run.pk]))
    return posting.back(reverse("web:change", args=[made.pk]))


def _told(proposal: AccountProposal) -> str:
    parts = [
        f"户名{proposal.holder}" if proposal.holder else "",
        f"账号尾号 {proposal.last4}" if proposal.last4 else "",
    ]
    return "，".join(one for one in parts if one)


def _by_message(run: PayRun) -> list[tuple[str, str]]:
    """Formats in which the run has a line to a bank."""
    linked = bank_queries.linked_profiles(run)
    return [(name, label) for name, label in bank_profiles().items() if name in linked]


def _ask(request: HttpRequest, run: PayRun) -> HttpResponse:
    user: Any = request.user
    ok, made = posting.attempt(
        request,
        lambda: actions.send_account_check(run, acting_user=user, profile=posting.text(request, "profile", 40)),
        lambda row: f"{row.no} 问 {len(row.lines):,} 个账户，已交后台送出。银行答复后在这里显示。",
    )
    if ok and made is not None:
        tasks.deliver_message.defer(message_id=made.message.pk, user_id=user.pk)
    return posting.back(reverse("web:bank-accounts", args=[run.pk]))


def download(request: HttpRequest, pk: int) -> FileResponse:
    """The file of accounts; each download is in the audit log."""
    user: Any = request.user
    run = queries.access_run(user, pk)
    chosen = request.GET.get("profile", "generic-csv")
    known = dict(pairs())
    name, data = actions.make_account_check(run, acting_user=user, profile=chosen if chosen in known else "generic-csv")
    return FileResponse(io.BytesIO(data), as_attachment=True, filename=name)
