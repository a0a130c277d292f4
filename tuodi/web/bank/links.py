"""The lines to banks with what waits on each, statements, and one statement line by line."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.exchange.bank import bank_profiles, load_bank_profile
from tuodi.exchange.iso_stream import MAX_BYTES
from tuodi.kernel.errors import TuodiError
from tuodi.org.models import DutyCode
from tuodi.payments import actions, bank_queries, tasks
from tuodi.payments.actions.messages import block_of
from tuodi.payments.labels import pay_label
from tuodi.payments.models import BankLink, BankMessage, StatementLine
from tuodi.payments.states import ERRORS, MessageState, Verdict
from tuodi.web.bank import handouts, looks
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField


class StatementForm(forms.Form):
    """A statement carried by hand."""

    link = forms.ModelChoiceField(label="直联", queryset=BankLink.objects.none(), empty_label=None)
    file = UploadField(most=MAX_BYTES, refusal=f"文件有 {{mb}} MB，超过 {MAX_BYTES // 2**20} MB。请核对，或请银行按日、按账户分开出具。",
        label="对账单文件", help_text="camt.053 或对账单表格，银行给出的原文件，不要改动",
        error_messages={"required": "请选择文件。", "empty": "文件是空的，请重新选择。"},
    )  # fmt: skip
    signature = forms.CharField(
        label="签名", required=False, max_length=200, help_text="约定签名的银行须粘贴签名文件（.sig）的内容，否则不读取"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["link"].queryset = bank_queries.links().filter(is_active=True)
        self.fields["link"].label_from_instance = lambda row: row.label


def show(request: HttpRequest) -> HttpResponse:
    """The overview. A POST collects, brings, opens a link again, looks again at leftovers, or takes a statement."""
    may_send = DutyCode.PAY_SEND in navigation.held_duties(request)
    form = StatementForm() if may_send else None
    if request.method == "POST":
        if posting.text(request, "do", 20) != "statement":
            return _answer(request)
        form = StatementForm(request.POST, request.FILES) if may_send else None
        if form is not None and form.is_valid():
            try:
                found = _take(request, form)
            except TuodiError as error:
                form.add_error("file", str(error))
            else:
                return posting.back(reverse("web:bank-statement", args=[found.pk]))
    rows = bank_queries.statements()
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=20)
    todo = bank_queries.exceptions()
    context = {
        "links": [_link(one) for one in bank_queries.links()],
        "page": Page([_statement(one) for one in page.items], page.number, None, page.previous, page.next),
        "form": form if form is not None and form.fields["link"].queryset.exists() else None,
        "may_send": may_send,
        "carried": handouts.shown(request),
        "may_check": DutyCode.PAY_CHECK in navigation.held_duties(request),
        "may_approve": DutyCode.PAY_APPROVE in navigation.held_duties(request),
        "todo": len(todo),
        "todo_fen": sum(one.amount_fen for one in todo),
        "proposals": bank_queries.proposals().count(),
        "place_names": places.names(request.user.office.place_code),  # type: ignore[union-attr]
    }
    return render(request, "bank/links.html", context)


def _take(request: HttpRequest, form: StatementForm) -> Any:
    given: UploadedFile = form.cleaned_data["file"]
    return actions.import_statement(
        form.cleaned_data["link"], acting_user=request.user, data=given.read(), name=given.name or "对账单",  # type: ignore[arg-type]
        signature=form.cleaned_data["signature"].strip(),
    )  # fmt: skip


def _answer(request: HttpRequest) -> HttpResponse:
    here = reverse("web:bank")
    user: Any = request.user
    if posting.text(request, "do", 20) in handouts.VERBS:
        handouts.answer(request, posting.text(request, "do", 20))
        return posting.back(here)
    number = posting.text(request, "link", 12)
    link = bank_queries.access_link(user, int(number) if number.isdigit() else 0)
    code = posting.text(request, "do", 20)
    if code == "collect" and DutyCode.PAY_SEND in navigation.held_duties(request):
        tasks.collect_from_bank.defer(link_id=link.pk, user_id=user.pk)
        posting.succeed(request, f"正在向 {link.label} 取回文件，稍后刷新查看。")
    elif code == "resume":
        posting.attempt(
            request, lambda: actions.resume_sending(link, acting_user=user), lambda row: f"{row.label} 已恢复送出。"
        )
    elif code == "again":
        posting.attempt(
            request,
            lambda: actions.judge_again(link, acting_user=user),
            lambda fit: f"重新核对完成，又有 {fit} 笔相符。",
        )
    else:
        posting.refuse(request, "这个操作现在不能办理，页面可能已过时。请看下面的最新状态。")
    return posting.back(here)


def _link(link: BankLink) -> dict[str, Any]:
    waiting = BankMessage.objects.filter(
        link=link, state__in=[MessageState.CREATED, MessageState.SIGNED, MessageState.SENT]
    ).count()
    return {
        "pk": link.pk,
        "label": link.label,
        "place": places.path(link.region),
        "way": link.get_way_display(),
        "profile": bank_profiles().get(link.profile, link.profile),
        "payer": link.payer_name,
        "last4": link.payer_account[-4:],
        "recall": link.recall_form if load_bank_profile(link.profile).format == "iso20022" else "",
        "pays": "、".join(pay_label(one) for one in link.programmes),
        "active": link.is_active,
        "block": block_of(link) if link.is_active else "",
        "sent_no": link.sent_no,
        "sent_on": link.sent_on,
        "waiting": waiting,
        "silent": [
            {
                "no": one.no,
                "since": one.since,
                "days": one.days,
                "lines": one.lines,
                "fen": one.amount_fen,
                "href": reverse("web:bank-batch", args=[one.run_id, one.batch_id])
                if one.run_id
                else reverse("web:order-batch", args=[one.batch_id]),
            }
            for one in bank_queries.silent(link)
        ],
        "gaps": bank_queries.gaps(link),
        "left": bank_queries.leftovers(link).count(),
        "missing": list(bank_queries.missing(link)[:20]),
    }


def _statement(row: Any) -> dict[str, Any]:
    return {
        "href": reverse("web:bank-statement", args=[row.pk]),
        "no": row.no or row.file_name,
        "link": row.link.label,
        "from_day": row.from_day,
        "to_day": row.to_day,
        "entries": row.entries,
        "debit_fen": row.debit_fen,
        "credit_fen": row.credit_fen,
        "left": row.left,
        "look": looks.ANSWERS[row.state],
        "at": row.imported_at,
        "by": row.imported_by.name,
    }


def statement(request: HttpRequest, pk: int) -> HttpResponse:
    """A statement: what does not fit first, with what to do; a POST explains a leftover."""
    user: Any = request.user
    row = bank_queries.access_statement(user, pk)
    if request.method == "POST":
        number = posting.text(request, "line", 12)
        line = row.lines.filter(pk=int(number) if number.isdigit() else 0).first()
        if line is None:
            posting.refuse(request, "没有这一笔，页面可能已过时。")
        else:
            posting.attempt(
                request,
                lambda: actions.propose_leftover(line, acting_user=user, reason=posting.text(request, "reason", 300)),
                "说明已提交，由另一人复核。",
            )
        return posting.back(reverse("web:bank-statement", args=[pk]))
    left = row.lines.filter(verdict__in=ERRORS).prefetch_related("decisions__proposed_by").order_by("row_no")
    rows = row.lines.exclude(verdict__in=ERRORS).order_by("row_no")
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    context = {
        "row": row,
        "look": looks.ANSWERS[row.state],
        "left": [_leftover(one) for one in left[:500]],
        "page": Page([_fitting(one) for one in page.items], page.number, None, page.previous, page.next),
        "may": DutyCode.PAY_CHECK in navigation.held_duties(request),
    }
    return render(request, "bank/statement.html", context)


def _fitting(line: StatementLine) -> dict[str, Any]:
    return {
        "no": line.row_no, "on": line.booked_on, "debit": line.debit, "fen": line.amount_fen, "reference": line.reference,
        "bank_ref": line.bank_ref, "look": looks.VERDICTS[Verdict(line.verdict)],
    }  # fmt: skip


def _leftover(line: StatementLine) -> dict[str, Any]:
    told = [one for one in line.decisions.all() if one.state != "withdrawn"]
    return _fitting(line) | {
        "pk": line.pk, "remedy": looks.REMEDIES[Verdict(line.verdict)], "told": told[0] if told else None,
    }  # fmt: skip
