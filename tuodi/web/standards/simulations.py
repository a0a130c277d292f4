"""What-if: ask for it, watch it, read today and one or two drafts side by side, and who loses most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds.ledger import source_label, sub_account_label
from tuodi.funds.queries import source_rank
from tuodi.kernel.masking import mask_name
from tuodi.kernel.periods import Month, PeriodError
from tuodi.kernel.places import trim
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.payments import actions, snapshot, tasks
from tuodi.payments.actions.simulation import frozen_runs
from tuodi.payments.fund_split import split
from tuodi.payments.models import Simulation
from tuodi.payments.simulate import BUCKETS
from tuodi.people.enums import Programme
from tuodi.people.models import Household, Person, RollEntry
from tuodi.standards import queries
from tuodi.standards.models import Proposal
from tuodi.standards.states import STEPS, ProposalState
from tuodi.web.components import pages, places, posting, reading, words
from tuodi.web.county import run_jobs
from tuodi.web.county.sheets import sheet

MARKS = {"a": "方案甲", "b": "方案乙"}
#: Entries on the roll computed at once in the request.
SMALL_ROLL = 2_000
WORST = 10
#: Figures of a draft named beside the table.
_LINES = 6
_RESULTS = ("pass", "fail", "unknown")
#: Money that is not there, and places without a book, in colours of their own.
_HUES = {"is-bad": "#b5533f", "dim": "#66717f"}
_CLASSES = (("gain", "待遇增加", "ok"), ("lose", "待遇减少", "bad"), ("enter", "新纳入", "ok"), ("leave", "退出", "bad"), ("same", "不变", ""), ("open", "规则算不出，按花名册", ""))  # fmt: skip
_WORDS = {"lose": "减少", "leave": "退出", "gain": "增加", "enter": "新纳入"}


def _label(low: int | None, high: int | None) -> str:
    if (low, high) == (-1, 0):
        return "不变"
    if high is None:
        return f"多 {(low or 0) // 100} 以上"
    if low is None:
        return f"少 {-high // 100} 以上"
    if high < 0:
        return f"少 {-high // 100 if high != -1 else 0.01} 至 {-low // 100}"
    return f"多 {low // 100 or 0.01} 至 {high // 100}"


LABELS = [_label(low, high) for low, high in zip((None, *BUCKETS[:-1]), BUCKETS, strict=True)]


def listing(request: HttpRequest) -> HttpResponse:
    """Simulations asked for, and the form that asks."""
    runs = frozen_runs(trim(request.user.office.place_code))  # type: ignore[union-attr]
    drafts = list(queries.visible(request.user).exclude(state=ProposalState.WITHDRAWN)[:50])  # type: ignore[arg-type]
    if request.method == "POST":
        chosen = [posting.text(request, name, 12) for name in ("a", "b")]
        picked = [one for pk in chosen if pk for one in drafts if str(one.pk) == pk]
        run = next((one for one in runs if str(one.pk) == posting.text(request, "run", 12)), None)
        if run is None:
            posting.refuse(request, "请选择一个已经计算的批次，测算用它冻结的花名册。")
            return posting.back(request.path)
        ok, made = posting.attempt(
            request, lambda: actions.ask_simulation(run, acting_user=request.user, proposals=picked), "已开始测算，可以离开本页。"  # type: ignore[arg-type]
        )  # fmt: skip
        if not ok or made is None:
            return posting.back(request.path)
        if RollEntry.objects.filter(region__startswith=run.place).count() <= SMALL_ROLL:
            actions.do_simulation(made, acting_user=request.user)
        else:
            tasks.simulate_drafts.defer(simulation_id=made.pk, user_id=request.user.pk)
        return posting.back(reverse("web:simulation", args=[made.pk]))
    rows = Simulation.objects.select_related("run").order_by("-id")
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    items = [
        {
            "row": one, "href": reverse("web:simulation", args=[one.pk]), "titles": [draft["title"] for draft in one.drafts],
            "css": {"done": "ok", "failed": "bad"}.get(one.state, "info"),
        }
        for one in page.items
    ]  # fmt: skip
    return render(
        request, "standards/simulations.html",
        {"page": pages.Page(items, page.number, None, page.previous, page.next), "runs": runs, "drafts": drafts, "wanted": request.GET.get("a", "")},
    )  # fmt: skip


def _simulation(request: HttpRequest, pk: int) -> Simulation:
    return access.one(
        Simulation.objects.select_related("run", "changed", "asked_by"), user=request.user, what="提标测算", pk=pk
    )  # type: ignore[arg-type]


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The answer, or how far it is."""
    found = _simulation(request, pk)
    context: dict[str, Any] = {
        "simulation": found,
        "place_names": places.names(found.place),
        "progress": _progress(found),
    }
    if found.state == Simulation.State.DONE:
        context |= _figures(found) | {"worst": _worst(request, found)}
    return render(request, "standards/simulation.html", context)


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress bar alone; the whole page again once the work is over."""
    told = _progress(_simulation(request, pk))
    if told is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "county/run_progress.html", {"run": {"progress": told}})


def _progress(one: Simulation) -> dict[str, Any] | None:
    if one.state in (Simulation.State.DONE, Simulation.State.FAILED):
        return None
    done, total = one.progress.get("done", 0), one.progress.get("total", 0) or 1
    return {
        "label": one.progress.get("label") or "排队等待", "done": done, "total": total, "what": "步", "percent": 100 * done // total,
        "href": reverse("web:simulation-progress", args=[one.pk]),
    }  # fmt: skip


def _figures(one: Simulation) -> dict[str, Any]:
    sides, months = one.summary["sides"], one.summary["months"]
    now = sides["now"]
    marks = [mark for mark in MARKS if mark in sides]
    heads = [{"label": MARKS[d["mark"]], "title": d["title"], "no": d["no"], "pk": d["proposal"], "rules": bool(d["rules_text"]), "on": d["effective_on"],
              "values": _values(d), "assumed": d["hypothetical"]} for d in one.drafts]  # fmt: skip
    counts = [
        {
            "label": label,
            "cells": [
                {
                    "n": sides[mark]["counts"][name],
                    "css": css if sides[mark]["counts"][name] else "",
                    "label": MARKS[mark],
                }
                for mark in marks
            ],
        }
        for name, label, css in _CLASSES
    ]

    def cells(values: Sequence[int]) -> list[dict[str, Any]]:
        return [{"label": MARKS[mark], "n": value} for mark, value in zip(marks, values, strict=True)]

    more = {mark: sides[mark]["amount_fen"] - now["amount_fen"] for mark in marks}
    money = [
        {"label": "每月", "now": now["amount_fen"], "cells": [sides[mark]["amount_fen"] for mark in marks], "signed": False},
        {"label": "每月增支", "now": None, "cells": [more[mark] for mark in marks], "signed": True},
        {"label": f"本年增支（{len(months)} 个月）", "now": None, "cells": [more[mark] * len(months) for mark in marks], "signed": True},
        {"label": "补发以前月份", "now": None, "cells": [sides[mark]["back_fen"] for mark in marks], "signed": True},
    ]  # fmt: skip
    for line in money:
        line["cells"] = cells(line["cells"])
    return {
        "heads": heads, "counts": counts, "money": money,
        "units": {"now": now["units"], "cells": cells([sides[mark]["units"] for mark in marks])},
        "persons": {"now": now["persons"], "cells": cells([sides[mark]["persons"] for mark in marks])},
        "months": [
            {"month": month, "now": now["amount_fen"], "cells": [sides[mark]["amount_fen"] + (sides[mark]["back_fen"] if n == 0 else 0) for mark in marks]}
            for n, month in enumerate(months)
        ],
        "budget": _places(sides, marks),
        "funds": _funds(sides, marks, len(months)), "floors": _floors(one),
        "spread": [{"label": label, "cells": [sides[mark]["buckets"][n] for mark in marks]} for n, label in enumerate(LABELS)],
        "spread_chart": {
            # Who stays as he is would dwarf all others: he is in the table.
            "labels": [label for label in LABELS if label != "不变"], "horizontal": True, "unit": "户",
            "series": [
                {"name": MARKS[mark], "data": [n for n, label in zip(sides[mark]["buckets"], LABELS, strict=True) if label != "不变"]}
                for mark in marks
            ],
        },
        "budget_chart": {
            "labels": [_place(code) for code in sorted({row["place"] for row in now["places"]})], "horizontal": True, "unit": "元",
            "series": [
                {"name": name, "data": [sum(r["amount_fen"] for r in sides[mark]["places"] if r["place"] == code) / 100 for code in sorted({row["place"] for row in now["places"]})]}
                for mark, name in [("now", "现行"), *((mark, MARKS[mark]) for mark in marks)]
            ],
        },
        "already": one.summary["already"], "near_unknown": one.summary["near_unknown"], "marks": [MARKS[mark] for mark in marks],
    }  # fmt: skip


def _budgets(sides: Mapping[str, Any], count: int) -> dict[str, list[dict[str, Any]]]:
    """What each side costs until the year ends, by county and programme; back pay is of no county and stands apart."""
    return {
        mark: [{**row, "amount_fen": row["amount_fen"] * count} for row in side["places"]]
        for mark, side in sides.items()
    }


def _funds(sides: Mapping[str, Any], marks: list[str], count: int) -> dict[str, Any]:
    """The year's remaining months by source of money: today and each draft; what is not covered, and counties without a book."""
    found = split(_budgets(sides, count))
    shown = ["now", *marks]
    sources = sorted({source for one in found.values() for source in one.by_source()}, key=source_rank)
    rows = [
        {"label": source_label(source), "css": "", "cells": [found[mark].by_source().get(source, 0) for mark in shown]}
        for source in sources
    ]
    short = [sum(found[mark].short.values()) for mark in shown]
    bookless = [sum(found[mark].bookless.values()) for mark in shown]
    if any(short):
        rows.append({"label": "可用资金不足", "css": "is-bad", "cells": short})
    if any(bookless):
        rows.append({"label": "未建资金账的地区", "css": "dim", "cells": bookless})
    gaps = [
        {
            "label": sub_account_label(county, programme),
            "cells": [found[mark].short.get((county, programme), 0) for mark in shown],
        }
        for county, programme in sorted({key for mark in shown for key in found[mark].short})
    ]
    return {
        "chart": {
            "labels": ["现行", *(MARKS[mark] for mark in marks)], "horizontal": True, "stacked": True, "unit": "元",
            "series": [{"name": row["label"], "data": [fen / 100 for fen in row["cells"]], "color": _HUES.get(row["css"])} for row in rows],
        },
        "text": "资金来源的堆叠条形图，数字见下表",
        "rows": rows, "gaps": gaps, "months": count, "total": [found[mark].total for mark in shown],
        "back": [sides[mark]["back_fen"] for mark in marks], "any_back": any(sides[mark]["back_fen"] for mark in marks),
    }  # fmt: skip


def funds_sheet(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    """The budget by county, programme and source as a spreadsheet, logged."""
    one = _simulation(request, pk)
    if one.state != Simulation.State.DONE:
        posting.refuse(request, "测算还没有完成。")
        return posting.back(reverse("web:simulation", args=[one.pk]))
    sides, count = one.summary["sides"], len(one.summary["months"])
    shown = ["now", *(mark for mark in MARKS if mark in sides)]
    found = split(_budgets(sides, count))
    keys: dict[tuple[str, str, str], list[int]] = {}
    for at, mark in enumerate(shown):
        made = found[mark]
        for (county, programme, source), fen in made.drawn.items():
            keys.setdefault((county, programme, source_label(source)), [0] * len(shown))[at] += fen
        for (county, programme), fen in made.short.items():
            keys.setdefault((county, programme, "可用资金不足"), [0] * len(shown))[at] += fen
        for (county, programme), fen in made.bookless.items():
            keys.setdefault((county, programme, "未建资金账"), [0] * len(shown))[at] += fen
    labels = ["现行", *(MARKS[mark] for mark in shown[1:])]
    return sheet(
        request, name=f"提标测算-{one.pk}-资金来源", title=f"提标测算 {one.pk} 本年 {count} 个月预算的资金来源",
        columns=[("地区", 18), ("项目", 16), ("资金来源", 18), *((f"{label}（元）", 16) for label in labels)],
        rows=([_place(county), Programme(programme).label, source, *(fen / 100 for fen in cells)]
              for (county, programme, source), cells in sorted(keys.items())),
        action="web.export_simulation", subject="simulation", subject_id=one.pk, what={"side": "funds"},
        note="按现在的可用余额和各地动用顺序推算，不占用资金；补发不分来源。",
    )  # fmt: skip


def summary_sheet(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    """All the page shows but single families: values, counts, money, months, distribution, places, sources, floors; logged."""
    one = _simulation(request, pk)
    if one.state != Simulation.State.DONE:
        posting.refuse(request, "测算还没有完成。")
        return posting.back(reverse("web:simulation", args=[one.pk]))
    shown = _figures(one)
    return sheet(
        request, name=f"提标测算-{one.pk}-汇总", title=f"提标测算 {one.pk}：{' ／ '.join(head['title'] for head in shown['heads'])}",
        columns=[("栏目", 20), ("内容", 26), ("单位", 8), ("现行", 18), *((mark, 18) for mark in shown["marks"])],
        rows=_summary(shown), action="web.export_simulation", subject="simulation", subject_id=one.pk, what={"side": "summary"},
        note=f"按 {Month.parse(str(one.month))} 和 {Month.parse(str(one.run.month))} 冻结花名册测算，家庭和收入不变，不改变任何在册待遇。",
    )  # fmt: skip


def _summary(shown: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The rows of the summary: section, line, unit, today, each draft. Money in yuan."""

    def numbers(row: Mapping[str, Any]) -> list[int]:
        return [cell["n"] for cell in row["cells"]]

    def yuan(fens: Iterable[int | None]) -> list[float | None]:
        return [None if fen is None else fen / 100 for fen in fens]

    heads = shown["heads"]
    yield ["方案", "名称", "", None, *(f"{head['title']}（{head['no']}）" for head in heads)]
    yield ["方案", "执行日", "", None, *(str(head["on"]) for head in heads)]
    yield [
        "方案",
        "数值",
        "",
        None,
        *("；".join([*head["values"], *(["规则草案"] if head["rules"] else [])]) for head in heads),
    ]
    yield ["方案", "假设", "", None, *("是" if head["assumed"] else "否" for head in heads)]
    for row in shown["counts"]:
        yield ["家庭", row["label"], "户", None, *numbers(row)]
    yield ["家庭", "在保", "户", shown["units"]["now"], *numbers(shown["units"])]
    yield ["家庭", "在保人数", "人", shown["persons"]["now"], *numbers(shown["persons"])]
    for row in shown["money"]:
        yield ["资金", row["label"], "元", *yuan([row["now"]]), *yuan(numbers(row))]
    for row in shown["months"]:
        yield ["本年逐月预算", str(Month.parse(str(row["month"]))), "元", *yuan([row["now"], *row["cells"]])]
    for row in shown["spread"]:
        yield ["每月变化分布", f"{row['label']} 元", "户", None, *row["cells"]]
    for row in shown["budget"]:
        yield ["各地每月预算", f"{row['place']} {row['programme']}", "元", *yuan([row["now"], *row["cells"]])]
    for row in shown["funds"]["rows"]:
        yield [f"资金来源（{shown['funds']['months']} 个月）", row["label"], "元", *yuan(row["cells"])]
    for row in shown["funds"]["gaps"]:
        yield ["资金不足", row["label"], "元", *yuan(row["cells"])]
    for result, label in zip(_RESULTS, ("通过", "没有达到", "缺数"), strict=True):
        if shown["floors"]:
            yield ["底线检查", label, "项", None, *(one[result] for one in shown["floors"])]
    yield ["未计入", "今天已符合而没有申请", "户", shown["already"], *(None for _ in heads)]
    yield ["未计入", "资料不全算不出", "户", shown["near_unknown"], *(None for _ in heads)]


def _place(code: str) -> str:
    return places.name(code)


def _values(draft: Mapping[str, Any]) -> list[str]:
    """What a draft sets, places with the same figure in one line; the proposal has the rest."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in draft["values"]:
        name = places.name(row["place"])
        names = found.setdefault((row["value"], row["unit"]), [])
        if name not in names:
            names.append(name)
    lines = [f"{words.figures(value)} {unit}（{'、'.join(names)}）" for (value, unit), names in found.items()]
    return lines if len(lines) <= _LINES else [*lines[:_LINES], f"另有 {len(lines) - _LINES} 项"]


def _floors(one: Simulation) -> list[dict[str, Any]]:
    """For each draft how many of the floors its values touch pass, fail or lack a fact, as the proposal has them now."""
    found = {row.pk: row.checks for row in Proposal.objects.filter(pk__in=[draft["proposal"] for draft in one.drafts])}
    counts = []
    for draft in one.drafts:
        steps = found.get(draft["proposal"]) or {}
        last = next((steps[step] for step in reversed(STEPS) if step in steps), [])
        touched = [check["result"] for check in last if check["touched"]]
        counts.append({"label": MARKS[draft["mark"]]} | {result: touched.count(result) for result in _RESULTS})
    return counts if any(count[result] for count in counts for result in _RESULTS) else []


def _places(sides: Mapping[str, Any], marks: list[str]) -> list[dict[str, Any]]:
    """Budget by county and programme: today and each draft, a month."""
    keys = sorted({(row["place"], row["programme"]) for side in sides.values() for row in side["places"]})
    at = {mark: {(row["place"], row["programme"]): row for row in side["places"]} for mark, side in sides.items()}
    empty = {"units": 0, "persons": 0, "amount_fen": 0}
    return [
        {
            "place": _place(place), "programme": Programme(programme).label, "units": at["now"].get((place, programme), empty)["units"],
            "now": at["now"].get((place, programme), empty)["amount_fen"],
            "cells": [at[mark].get((place, programme), empty)["amount_fen"] for mark in marks],
        }
        for place, programme in keys
    ]  # fmt: skip


def _changed(one: Simulation) -> pl.DataFrame:
    assert one.changed is not None
    return snapshot.load(one.changed)["changed"]


def _worst(request: HttpRequest, one: Simulation) -> list[dict[str, Any]]:
    """For each draft its worst losers, names masked; only families of the reader's own range."""
    frame = _changed(one)
    low, high = (
        access.range_of(request.user.office.place_code).low,
        access.range_of(request.user.office.place_code).high,
    )  # type: ignore[union-attr]
    frame = frame.filter((pl.col("region") >= low) & (pl.col("region") < high))
    found = []
    for mark in [mark for mark in MARKS if f"class_{mark}" in frame.columns]:
        losers = frame.filter(pl.col(f"class_{mark}").is_in(["lose", "leave"])).sort(f"delta_{mark}", "household_id")
        rows = _named(losers.head(WORST), mark)
        reading.note_list(request, "提标测算减少最多的家庭", [row["household"] for row in rows], [])
        counts = dict(losers.group_by(f"class_{mark}").agg(pl.len()).iter_rows())
        found.append(
            {
                "label": MARKS[mark], "mark": mark, "rows": rows, "lose": counts.get("lose", 0), "leave": counts.get("leave", 0), "all": losers.height,
                "href": reverse("web:simulation-sheet", args=[one.pk]) + f"?side={mark}",
            }
        )  # fmt: skip
    return found


def _named(rows: pl.DataFrame, mark: str) -> list[dict[str, Any]]:
    homes = {
        home.pk: home for home in Household.objects.select_related("head").filter(pk__in=rows["household_id"].to_list())
    }
    people = {one.pk: one for one in Person.objects.filter(pk__in=rows["person_id"].drop_nulls().to_list())}
    found = []
    for row in rows.iter_rows(named=True):
        home = homes.get(row["household_id"])
        if home is None:
            continue
        who = people.get(row["person_id"]) or home.head
        found.append(
            {
                "household": home.pk, "no": home.no, "name": mask_name(who.name), "place": places.path(row["region"]), "programme": Programme(row["programme"]).label,
                "persons": row[f"persons_{mark}"] or row["persons_now"], "now": row["fen_now"], "then": row[f"fen_{mark}"], "delta": row[f"delta_{mark}"],
                "word": _WORDS[row[f"class_{mark}"]], "href": reverse("web:family", args=[home.pk]),
            }
        )  # fmt: skip
    return found


def export(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    """The units that change under one draft as a spreadsheet, those that lose most first; names masked, logged."""
    one = _simulation(request, pk)
    if one.state != Simulation.State.DONE:
        posting.refuse(request, "测算还没有完成。")
        return posting.back(reverse("web:simulation", args=[one.pk]))
    frame = _changed(one)
    mark = request.GET.get("side", "a")
    mark = mark if f"class_{mark}" in frame.columns else "a"
    area = access.range_of(request.user.office.place_code)  # type: ignore[union-attr]
    frame = frame.filter(
        (pl.col("region") >= area.low) & (pl.col("region") < area.high) & pl.col(f"class_{mark}").is_in(list(_WORDS))
    )
    rows = _named(frame.sort(f"delta_{mark}", "household_id").head(20_000), mark)
    title = next(d["title"] for d in one.drafts if d["mark"] == mark)
    return sheet(
        request, name=f"提标测算-{one.pk}-{mark}", title=f"{MARKS[mark]} {title}",
        columns=[("家庭编号", 18), ("户主或本人", 12), ("住地", 24), ("项目", 14), ("人数", 8), ("现行（元/月）", 14), ("方案（元/月）", 14), ("变化（元/月）", 14), ("结果", 10)],
        rows=([r["no"], r["name"], r["place"], r["programme"], r["persons"], r["now"] / 100, r["then"] / 100, r["delta"] / 100, r["word"]] for r in rows),
        action="web.export_simulation", subject="simulation", subject_id=one.pk, what={"side": mark},
        note="测算不改变任何在册待遇。",
    )  # fmt: skip


def start_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Opens the month's run on a published standard and starts the recalculation."""
    proposal = queries.proposal_for(request.user, pk)  # type: ignore[arg-type]
    here = reverse("web:proposal", args=[pk])
    try:
        month = Month.parse(posting.text(request, "month", 7))
    except PeriodError as error:
        posting.refuse(request, str(error))
        return posting.back(here)
    place = trim(request.user.office.place_code)  # type: ignore[union-attr]
    ok, run = posting.attempt(
        request, lambda: actions.open_adoption(proposal, acting_user=request.user, place=place, month=month),  # type: ignore[arg-type]
        "已开立批次，正在按新标准重算。差异按“提标”“规则调整”和补发逐户列出。",
    )  # fmt: skip
    if not ok or run is None:
        return posting.back(here)
    posting.attempt(request, lambda: run_jobs.calculate(run, request.user), "重算已开始。")
    return posting.back(reverse("web:run", args=[run.pk]))


DUTIES = (DutyCode.STANDARDS, DutyCode.STANDARDS_APPROVE, DutyCode.SUPERVISE)
