"""The lists of fixed amounts: taken in by one officer, approved by another; who stands on them, and the end of one person's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.funds.programmes import benefits
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month, PeriodError
from tuodi.kernel.places import trim
from tuodi.org.models import DutyCode
from tuodi.payments import actions
from tuodi.payments.models import FixedEntry, FixedList
from tuodi.payments.states import ListState
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.components.words import Look
from tuodi.web.funds.common import counties_at, offer

MAX_BYTES = 20 * 2**20
LOOKS = {
    ListState.PROPOSED: Look("待审核", "info"),
    ListState.APPROVED: Look("已生效", "ok", "check"),
    ListState.REFUSED: Look("不同意", "bad"),
}


class ListForm(forms.Form):
    """A department's list."""

    county = forms.ChoiceField(label="县（市、区）")
    programme = forms.ChoiceField(label="项目")
    file = UploadField(
        most=MAX_BYTES,
        refusal="文件超过 20 MB。请拆成几个文件。",
        label="名单",
        help_text="xlsx、xls 或 csv，一人一行：姓名、身份证号、扶助情形、发放周期、每次金额、起始月份、终止月份、银行账号、开户银行",
    )
    source = forms.CharField(
        label="出处", max_length=200, help_text="例如：区卫生健康局 2017 年特别扶助名册；一份名单只报一个项目"
    )

    def __init__(self, *args: Any, place: str, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, "county", counties_at(place))
        offer(self, "programme", [(code, one.label) for code, one in benefits(place).items()])


def listing(request: HttpRequest) -> HttpResponse:
    """Lists and people; a POST takes a list in, decides one that waits, or ends one person's amount."""
    user: Any = request.user
    place = trim(user.office.place_code)
    held = navigation.held_duties(request)
    may = DutyCode.PAY_PREPARE in held and len(place) >= 4
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    taking = do == "import"
    form = ListForm(request.POST if taking else None, request.FILES if taking else None, place=place) if may else None
    if taking and form is not None:
        if form.is_valid():
            given = form.cleaned_data
            try:
                made = actions.import_fixed_list(
                    acting_user=user, county=given["county"], data=given["file"].read(), name=given["file"].name, source=given["source"],
                    programme=given["programme"],
                )  # fmt: skip
            except TuodiError as error:
                form.add_error(None, str(error))
            else:
                posting.succeed(
                    request, f"{made.rows} 行：{made.taken} 人待审核，{made.bad} 行有问题。由另一人审核后发放。"
                )
                return posting.back(f"{request.path}?list={made.pk}")
    elif do:
        _decide(request) if do in ("approve", "refuse") else _end(request)
        return posting.back(request.get_full_path())
    asked = pages.text_of(request, "list", 18)
    lists = list(FixedList.objects.select_related("imported_by", "decided_by").order_by("-id")[:12])
    shown = next((one for one in lists if str(one.pk) == asked), None)
    rows = FixedEntry.objects.select_related("person", "household", "list").order_by("-id")
    rows = rows.filter(list=shown) if shown is not None else rows.filter(active=True)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    reading.note_list(
        request, "固定金额名单", [one.household_id for one in found.items], [one.person_id for one in found.items]
    )
    known = benefits()
    lines = [
        {
            "row": one,
            "basis": known[one.programme].cases.get(one.basis, one.basis) if one.programme in known else one.basis,
            "place": places.path(one.region),
        }
        for one in found.items
    ]
    checks = DutyCode.PAY_CHECK in held
    context = {
        "page": Page(lines, found.number, None, found.previous, found.next),
        "lists": [{"row": one, "look": LOOKS[ListState(one.state)]} for one in lists],
        "shown": shown,
        "look": LOOKS[ListState(shown.state)] if shown else None,
        "waits": shown is not None and shown.state == ListState.PROPOSED,
        "may_decide": shown is not None
        and shown.state == ListState.PROPOSED
        and checks
        and shown.imported_by_id != user.pk,
        "own": shown is not None and shown.state == ListState.PROPOSED and shown.imported_by_id == user.pk,
        "form": form,
        "kinds": [one.label for one in benefits(place).values()],
    }
    return render(request, "fixed/lists.html", context)


def _decide(request: HttpRequest) -> None:
    row = FixedList.objects.filter(pk=posting.number(request, "list")).first()
    if row is None:
        posting.refuse(request, "没有找到这份名单，请刷新后再看。")
        return
    approve = posting.text(request, "do", 10) == "approve"
    note = posting.text(request, "note", 200)
    posting.attempt(
        request,
        lambda: actions.decide_fixed_list(row, acting_user=request.user, approve=approve, note=note),  # type: ignore[arg-type]
        "名单已生效，从下一次计算发放起使用。" if approve else "名单已退回，不发放。",
    )


def _end(request: HttpRequest) -> None:
    row = FixedEntry.objects.filter(pk=posting.number(request, "entry")).first()
    if row is None:
        posting.refuse(request, "没有找到这一行，请刷新后再看。")
        return
    try:
        end = Month.parse(posting.text(request, "end", 7))
    except PeriodError as error:
        posting.refuse(request, str(error))
        return
    reason = posting.text(request, "reason", 200)
    posting.attempt(
        request,
        lambda: actions.end_fixed_entry(row, acting_user=request.user, end=end, reason=reason),  # type: ignore[arg-type]
        f"已登记终止月份 {end}。",
    )
