"""Families that were cut off and are looked after (后续关注): whose look is overdue first; looks, aid, the end of a watch."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import parse_yuan
from tuodi.monitoring import watch, watch_queries
from tuodi.monitoring.models import WatchAid, WatchEntry
from tuodi.org.models import DutyCode
from tuodi.people.enums import Programme
from tuodi.web.components import clue_words, navigation, pages, places, posting, reading, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look

#: Who may look after a family, as the actions ask.
DUTIES = (DutyCode.CLUE, DutyCode.CLUE_DECIDE, DutyCode.VISIT)
READERS = (*DUTIES, DutyCode.CLUE_CLOSE, DutyCode.SUPERVISE)
STATES = {
    WatchEntry.State.WATCHED: Look("关注中", "info"),
    WatchEntry.State.AIDED: Look("已救助", "ok", "check"),
    WatchEntry.State.ENDED: Look("已结束"),
}


class AidForm(forms.Form):
    """A look at the family, or the aid it was given."""

    kind = forms.ChoiceField(label="做了什么", choices=WatchAid.Kind.choices)
    on = forms.DateField(
        label="日期", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": "不是日期，请按 2017-09-04 的样子填写。", "required": "请填写日期。"},
    )  # fmt: skip
    amount = forms.CharField(label="救助金额（元）", required=False, max_length=20, help_text="没有发钱的不填")
    text = forms.CharField(
        label="家庭情况和帮扶内容", max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "请写明家庭现在的情况。"},
    )  # fmt: skip

    def clean_amount(self) -> int | None:
        """Fen, or None."""
        typed = self.cleaned_data["amount"].replace(",", "").replace("，", "").strip()
        try:
            return parse_yuan(typed) if typed else None
        except TuodiError as error:
            raise forms.ValidationError(f"“{typed}”不是金额，请按元填写，例如 800.00") from error


def listing(request: HttpRequest) -> HttpResponse:
    """Watches in the reader's range, overdue looks first. A fixed number of queries."""
    user: Any = request.user
    today = clock.today()
    counts = watch_queries.watch_counts(today)
    totals = {"overdue": counts.overdue, "open": counts.open, "ended": counts.ended, "all": counts.all}
    show = request.GET.get("show", "overdue" if counts.overdue else "open")
    show = show if show in watch_queries.SHOWS else "open"
    rows = watch_queries.watched(show, today)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=totals[show])
    homes = [one.household for one in found.items]
    reading.note_list(request, "后续关注名单", [one.pk for one in homes], [one.head_id for one in homes])
    context = {
        "page": Page(
            [_line(one, today) for one in found.items], found.number, found.total, found.previous, found.next, found.pages
        ),
        "tabs": [
            {"label": label, "n": totals[code], "href": f"?show={code}", "current": code == show, "css": "bad" if code == "overdue" and totals[code] else ""}
            for code, label in watch_queries.SHOWS.items()
        ],
        "figures": [
            {"label": "关注中", "value": f"{counts.open:,}", "unit": "户", "foot": f"另有 {counts.ended:,} 户已结束"},
            {"label": "走访逾期", "value": f"{counts.overdue:,}", "unit": "户", "foot": f"至少每 {watch.LOOK_DAYS} 天走访一次"},
            {"label": "得到其他救助", "value": f"{counts.aided:,}", "unit": "户", "foot": f"登记金额 {words.yuan(counts.aid_fen)} 元"},
            {"label": "重新纳入", "value": f"{counts.readmitted:,}", "unit": "户", "foot": "停保后又符合条件"},
        ],
        "show": show,
        "place_names": places.names(user.office.place_code),
    }  # fmt: skip
    return render(request, "county/watch_list.html", context)


def _line(one: WatchEntry, today: date) -> dict[str, Any]:
    return {
        "href": reverse("web:watch", args=[one.pk]),
        "name": f"{one.household.head.name}家庭",
        "no": one.household.no,
        "place": places.path(one.region),
        "programme": dict(Programme.choices).get(one.programme, one.programme),
        "look": STATES[WatchEntry.State(one.state)],
        "due": due_look(one, today),
        "next": one.next_look_on,
        "until": one.watch_until,
        "looks": one.looks,
        "aided": one.aided,  # type: ignore[attr-defined]
        "aid_fen": one.aid_fen,  # type: ignore[attr-defined]
        "readmitted": one.readmitted,
    }


def due_look(one: WatchEntry, today: date) -> Look:
    """When the next look is due, in words; calendar days, for the watch knows no working days."""
    if one.state == WatchEntry.State.ENDED:
        return Look("已结束")
    if one.watch_until < today:
        return Look("关注期已满，请结束或登记走访", "warn", "clock")
    left = (one.next_look_on - today).days
    if left < 0:
        return Look(f"走访逾期 {-left} 天", "bad", "clock")
    return Look("今天走访", "warn") if left == 0 else Look(f"{left} 天内走访", "warn" if left <= 3 else "")


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One watch: why, what was done, what may be done now. A POST notes a look, an aid, or ends it."""
    user: Any = request.user
    entry = watch_queries.access_watch(user, pk)
    today = clock.today()
    open_now = entry.state != WatchEntry.State.ENDED
    may = open_now and navigation.may(request, DUTIES, entry.region)
    form = AidForm(request.POST if request.POST.get("do") == "aid" else None, initial={"on": today, "kind": "look"})
    if request.method == "POST":
        if posting.text(request, "do", 10) == "end":
            reason = posting.text(request, "reason", 200)
            posting.attempt(request, lambda: watch.end_watch(entry, reason=reason, acting_user=user), "已结束关注。")
            return posting.back(reverse("web:watch", args=[entry.pk]))
        if form.is_valid():
            data = form.cleaned_data
            try:
                watch.add_aid(
                    entry, kind=data["kind"], text=data["text"], on=data["on"], amount_fen=data["amount"], acting_user=user
                )  # fmt: skip
            except TuodiError as error:
                if not may:  # no form is shown that could tell it
                    posting.refuse(request, str(error))
                    return posting.back(reverse("web:watch", args=[entry.pk]))
                form.add_error(None, str(error))
            else:
                posting.succeed(request, "已登记。")
                return posting.back(reverse("web:watch", args=[entry.pk]))
    aids = watch_queries.aids_of(entry)
    home = entry.household
    reading.note_reading(request, "后续关注", [home.pk], [home.head_id], region=entry.region)
    context = {
        "entry": entry,
        "title": f"{entry.household.head.name}家庭",
        "look": STATES[WatchEntry.State(entry.state)],
        "due": due_look(entry, today),
        "place": places.path(entry.region, 3),
        "programme": dict(Programme.choices).get(entry.programme, entry.programme),
        "clue": _clue(entry),
        "aids": [_aid(one) for one in aids],
        "sum_fen": sum(one.amount_fen or 0 for one in aids),
        "form": form if may else None,
        "may_end": may and entry.looks > 0,
        "why_not": "还没有走访过，登记一次走访后才能结束" if may and not entry.looks else "",
        "locked": "" if may or not open_now else f"由“{'”或“'.join(code.label for code in DUTIES)}”人员办理",
        "may_read": navigation.may_read(request),
        "may_clue": bool(navigation.LEDGER & set(navigation.held_duties(request))),
    }
    return render(request, "county/watch.html", context)


def _clue(entry: WatchEntry) -> dict[str, Any] | None:
    if entry.clue is None:
        return None
    return {
        "no": entry.clue.no,
        "href": reverse("web:clue", args=[entry.clue.no]),
        "label": clue_words.rule_label(entry.clue.rule_text, entry.clue.rule_code),
        "follow_up": entry.clue.follow_up,
    }


def _aid(one: WatchAid) -> dict[str, Any]:
    css = "" if one.kind == WatchAid.Kind.LOOK else "ok"
    return {
        "on": one.on,
        "look": Look(one.get_kind_display(), css),
        "fen": one.amount_fen,
        "text": one.text,
        "who": one.added_by.name if one.added_by else "系统",
        "office": one.added_by.office.name if one.added_by else "",
    }
