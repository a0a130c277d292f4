"""特困人员: self-care assessed, changes reported, agreements of care made, running out, ended, renewed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from tuodi.decisions import care_actions as care
from tuodi.demo.week.cast import DESKS, acting, moment, of, paper, persons_of
from tuodi.people.models import RollEntry
from tuodi.verification import self_care_actions as assessing
from tuodi.verification.models import SelfCareAssessment
from tuodi.verification.models.self_care import ITEMS

__all__ = ["agreements", "assessments"]

_D = date
_TOLD = ("入冬前摔倒后不能自己洗澡", "眼病加重，走路要人扶", "中风后左手不能动", "能自己做饭了，不再需要喂食")


def assessments() -> str:
    """Ordered, reported, assessed, cancelled: at each counter that has tekun persons."""
    made: list[SelfCareAssessment] = []
    for at, desk in enumerate(DESKS):
        for nth, (home, person) in enumerate(persons_of(desk)[:4]):
            day = _D(2017, 8, 21) + timedelta(at % 5 + nth)
            with acting(desk.review, moment(day, 10, nth)) as officer:
                if nth % 2:
                    row = assessing.report_self_care_change(
                        person, home, acting_user=officer, text=of(_TOLD, at + nth), reported_on=day
                    )
                else:
                    row = assessing.order_self_care(person, home, acting_user=officer, cause="first")
                if nth == 2:
                    assessing.cancel_self_care(row, acting_user=officer, reason="本人住院，出院后再评")
            if nth in (0, 3):
                with acting(f"{desk.tag}-hd", moment(day + timedelta(7), 15, nth)) as officer:
                    assessing.add_self_care_paper(row, paper(at * 4 + nth), acting_user=officer, caption="评定表")
                    failed = (at + nth) % 7
                    assessing.assess_self_care(
                        row, acting_user=officer, items={name: place < failed for place, name in enumerate(ITEMS)},
                        assessors=["辛医师", "文护士"], assessed_on=day + timedelta(5), place="本人家中",
                        opinion="按六项指标评定",
                    )  # fmt: skip
            made.append(row)
    return f"生活自理能力评估 {len(made)} 次（委托、报告变化、登记结果、取消都有）"


def agreements() -> str:
    """Agreements of care: in force, about to lapse, ended, renewed."""
    count = 0
    for at, desk in enumerate(DESKS):
        for nth, (home, person) in enumerate(persons_of(desk)[:4]):
            with acting(desk.review, moment(_D(2017, 8, 28), 14, at)) as officer:
                entry = RollEntry.objects.filter(person=person, programme="tekun", end_month__isnull=True).first()
                central = entry is not None and entry.form == "centralised"
                ends = of((_D(2018, 6, 30), _D(2017, 9, 30), _D(2017, 10, 31), _D(2018, 3, 31)), nth)
                terms = care.Terms(
                    form="centralised" if central else "dispersed", party="镇中心福利院" if central else of(("褚家旺", "尤小妹"), nth),
                    relation="" if central else of(("邻居", "侄子"), at), services="一日三餐、洗衣打扫、看病陪同",
                    frequency="每日", since=_D(2017, 7, 1), until=ends, signed_on=_D(2017, 6, 28),
                    subsidy_fen=None if central else 20_000,
                )  # fmt: skip
                row = care.make_agreement(person, home, terms, acting_user=officer)
                count += 1
                if nth == 3:
                    care.end_agreement(row, acting_user=officer, on=_D(2017, 8, 28), reason="照料人外出务工，另签")
                if nth == 1 and at % 2:
                    renewed = replace(terms, since=_D(2017, 10, 1), until=_D(2018, 9, 30), signed_on=_D(2017, 8, 28))
                    care.make_agreement(person, home, renewed, acting_user=officer, follows=row)
                    count += 1
    return f"供养服务协议 {count} 份，有即将到期、已续签和已解除的"
