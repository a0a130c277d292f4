"""One family asked about at the departments, live: consents, the signed questions, a report, a late answer, a second report.

The departments are `simulators/gateway.py`, a process of its own on the loopback for as long as the chapter lasts. Every
step takes what stands before it, so a story that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.db import transaction

from tuodi.cases.models import Case
from tuodi.cases.queries import open_step
from tuodi.demo.staff import FAMILY_VILLAGE, user
from tuodi.exchange.gateway import Link
from tuodi.files.store import open_plain
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.places import pad12
from tuodi.org.access import scope, system_scope
from tuodi.people import actions as people
from tuodi.people.models import Household, Person
from tuodi.people.queries import members_on
from tuodi.verification import live, request_actions
from tuodi.verification.actions import enter_facts, start_fact_set
from tuodi.verification.check_errors import NobodyToCheckError
from tuodi.verification.consent_actions import record_consent
from tuodi.verification.models import CheckReport, CheckRequest, Consent, DataSource, VisitTask
from tuodi.verification.queries import draft_of
from tuodi.verification.register_actions import add_source, change_source
from tuodi.verification.visit_actions import plan_visit

__all__ = ["HEAD", "tell_live"]

HEAD = "谭永福"
#: Whose case waits for the check and who has signed nothing, see `waiting`.
SILENT = "仇德福"
PLACE, COUNTY = "4208", "420802"
AGREED, ACCEPTED, SIGNED, ASKED, LATER = (date(2017, 6, 12), *(date(2017, 9, day) for day in (5, 6, 7, 8)))
SEED = 2017
ROOT = Path(__file__).resolve().parents[2]
#: How long the officers wait for answers at first, seconds.
PATIENCE = 4.0
#: Code of the live source -> service and kind, department, number of the agreement, whether each person must consent.
_SOURCES = {
    "live-hukou": ("hukou", "荆门市公安局治安支队", 31, False),
    "live-marriage": ("marriage", "荆门市民政局婚姻登记处", 32, True),
    "live-vehicle": ("vehicle", "荆门市公安局交警支队", 33, True),
    "live-estate": ("estate", "荆门市国土资源局不动产登记中心", 34, True),
    "live-business": ("business", "荆门市工商行政管理局", 35, True),
    "live-insured": ("social_insurance", "荆门市人力资源和社会保障局", 36, True),
    "live-fund": ("housing_fund", "荆门市住房公积金中心", 37, True),
    "live-tax": ("tax", "荆门市地方税务局", 38, True),
    "live-disabled": ("disability", "荆门市残疾人联合会", 39, True),
}
_MEMBERS = (("spouse", "柳桂芳", date(1962, 8, 23), 73), ("child", "谭小军", date(2003, 10, 6), 84))
#: How the departments behave at first: the traffic police give a ticket and take their time, one system is down.
_AT_FIRST: dict[str, dict[str, Any]] = {
    "vehicle": {"polls": 500},
    "disability": {"faults": ["500"], "sticky": True},
    "estate": {"delay": 1.2},
    "marriage": {"delay": 0.6, "format": "xml"},
}
_HEALED: dict[str, dict[str, Any]] = {"vehicle": {"polls": 0}, "disability": {"faults": [], "sticky": False}}

Tell = Callable[[str], None]


def tell_live(state: Path, tell: Tell) -> None:
    """Takes the family from consent to the completed 信息核对, once.

    Args:
        state: The demo's folder: registers of the departments and the reports go below it.
    """
    done = _case()
    if done is not None and _finished(done):
        with system_scope(COUNTY):
            newest = CheckReport.objects.filter(request__case=done).order_by("-pk").first()
            tell(f"  {HEAD}一家已核对：报告 {newest.no if newest else ''}，见“核对”页")
        return
    case = _case() or _accepted(tell)
    with _departments(state / "data" / "网关", case, tell) as gateway:
        _refused(tell)
        request = _consented(case, tell)
        request = _asked(request, gateway, tell)
        _late(request, gateway, tell)
    _completed(case, tell)
    _papers(case, state / "核对报告", tell)
    _visit(case, tell)


def _case() -> Case | None:
    with system_scope(COUNTY):
        return Case.objects.select_related("household", "applicant").filter(applicant__name=HEAD).first()


def _finished(case: Case) -> bool:
    with system_scope(COUNTY):
        return VisitTask.objects.filter(case=case).exists()


def _accepted(tell: Tell) -> Case:
    """Family, application and what it declared."""
    region = pad12(FAMILY_VILLAGE)
    with transaction.atomic():
        with clock.frozen(ACCEPTED), system_scope(FAMILY_VILLAGE):
            made = [
                people.register_person(
                    acting_user=None, region=region, name=name, id_text=make_id("420899", birth, number), is_demo=True
                )
                for name, birth, number in ((HEAD, date(1960, 4, 17), 62), *(row[1:] for row in _MEMBERS))
            ]
            home = people.form_household(
                acting_user=None, region=region, head=made[0], area_kind="urban", on=date(2012, 1, 1),
                members=[(person, row[0]) for person, row in zip(made[1:], _MEMBERS, strict=True)], is_demo=True,
                address="南门社区 12 号院",
            )  # fmt: skip
        clerk = user("jiedao-sl")
        with clock.frozen(ACCEPTED), scope(clerk):
            case = accept_application(
                acting_user=clerk, household=home, programme="dibao", materials={"身份证": True, "核对授权书": True}
            ).case
        officer = user("jiedao-sh")
        with clock.frozen(ACCEPTED), scope(officer):
            draft = start_fact_set(acting_user=officer, household=home, case=case)
            enter_facts(draft, acting_user=officer, household={"income_year": "9600.00", "assets_ok": True})
    tell(f"  {ACCEPTED}  受理{HEAD}一家三口，案件 {case.no}；申报年收入 9,600.00 元，无机动车，财产符合规定")
    return case


@dataclass(frozen=True)
class _Gateway:
    url: str
    link: Link

    def at(self, day: date) -> None:
        """The departments live on the story's day."""
        self._post({"clock": f"{day}T09:00"})

    def script(self, behaviour: dict[str, dict[str, Any]]) -> None:
        for service, wanted in behaviour.items():
            self._post({"service": service, **wanted})

    def _post(self, wanted: dict[str, Any]) -> None:
        httpx.post(f"{self.url}/control", json=wanted, trust_env=False).raise_for_status()


@contextmanager
def _departments(folder: Path, case: Case, tell: Tell) -> Iterator[_Gateway]:
    """The gateway's process; it ends with the chapter, and by itself if the story is killed."""
    _registers(folder, case)
    pair = live.own_key()
    command = [
        sys.executable,
        str(ROOT / "simulators" / "gateway.py"),
        "--port",
        "0",
        "--seed",
        str(SEED),
        "--attached",
    ]
    command += ["--client-key", pair.public.hex(), "--data", str(folder), "--clock", f"{ASKED}T09:00"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    before = settings.GATEWAY_URL
    try:
        assert process.stdout is not None
        hello = json.loads(process.stdout.readline())
        url = f"http://127.0.0.1:{hello['port']}"
        settings.GATEWAY_URL = url
        tell(f"  部门数据网关（模拟，本机 {hello['port']} 端口，另一进程）：每个请求和答复都有国密 SM2 签名")
        _live_sources(hello["keys"], tell)
        yield _Gateway(url, Link(url, pair, clock.now))
    finally:
        settings.GATEWAY_URL = before
        process.terminate()
        process.wait(timeout=10)


def _registers(folder: Path, case: Case) -> None:
    """What the departments hold about the three, in their own columns."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [
        make_id("420899", birth, number) for birth, number in ((date(1960, 4, 17), 62), *(m[2:] for m in _MEMBERS))
    ]
    names = [HEAD, *(row[1] for row in _MEMBERS)]
    who = [{"身份证号": number, "姓名": name} for number, name in zip(numbers, names, strict=True)]
    head, spouse, _ = who
    hukou = [
        one | {"户籍地": "湖北省荆门市东宝区", "户号": "420802004471", "与户主关系": word, "户籍状态": "正常"}
        for one, word in zip(who, ("本人", "配偶", "子女"), strict=True)
    ]
    rows: dict[str, list[dict[str, str]]] = {
        "hukou": hukou,
        "marriage": [
            one | {"登记类别": "结婚", "配偶姓名": other["姓名"], "登记日期": "1988-05-02"}
            for one, other in ((head, spouse), (spouse, head))
        ],
        "vehicle": [
            head | {"号牌号码": "鄂H6T218", "车辆类型": "小型轿车", "品牌型号": "东风风光", "初次登记日期": "2016-11-03", "机动车状态": "正常"}
        ],
        "estate": [
            head | {"不动产权证号": "鄂(2013)东宝区不动产权第0012207号", "坐落": "南门社区 12 号院", "面积": "61.40", "用途": "住宅", "权属状态": "现势", "登记日期": "2013-07-15"}
        ],
        "business": [
            head | {"统一社会信用代码": "92420802MA4A200X17", "名称": "东宝区永福早点店", "类型": "个体工商户", "职务": "经营者", "注册资本": "1", "登记状态": "注销", "成立日期": "2011-03-08"}
        ],
        "social_insurance": [
            spouse | {"险种": "城镇职工养老保险", "月养老金": "1,046.50", "参保状态": "正常发放"}
        ],
        "housing_fund": [],
        "tax": [],
        "disability": [spouse | {"残疾证号": f"{numbers[1]}43", "残疾类别": "肢体", "残疾等级": "三级", "有效期至": "2024-12-31"}],
    }  # fmt: skip
    for service, held in rows.items():
        (folder / f"{service}.json").write_text(json.dumps(held, ensure_ascii=False), encoding="utf-8")


def _live_sources(keys: dict[str, str], tell: Tell) -> None:
    """The departments' agreements about live answers, each with the key its replies are signed with."""
    clerk = user("shi-bd")
    new = 0
    with clock.frozen(AGREED), scope(clerk):
        for code, (service, department, number, asks) in _SOURCES.items():
            row = DataSource.objects.filter(code=code, place_code=PLACE).first()
            if row is None:
                add_source(
                    acting_user=clerk, code=code, kind=service, place_code=PLACE, label=_label(service),
                    department=department, agreement_no=f"荆民函〔2017〕{number}号", agreed_on=AGREED,
                    state=DataSource.State.LIVE, mode=DataSource.Mode.REAL_TIME, service=service,
                    reply_key=keys[service], needs_consent=asks, freshness_days=60, retention_days=180,
                    quota_per_day=2_000,
                )  # fmt: skip
                new += 1
            elif row.reply_key != keys[service]:
                change_source(row, acting_user=clerk, reply_key=keys[service])
    tell(f"  实时来源 {len(_SOURCES)} 个，各有协议、验签公钥和每日限额（新增 {new} 个）")


def _label(service: str) -> str:
    from tuodi.exchange.live import load_live_profile

    return f"{load_live_profile(service).label}（实时）"


def _refused(tell: Tell) -> None:
    """A family that has signed nothing is asked about nowhere."""
    checker = user("dongbao-hc")
    with system_scope(COUNTY):
        case = Case.objects.select_related("household").filter(applicant__name=SILENT).first()
    if case is None:
        return
    with clock.frozen(ASKED), scope(checker):
        try:
            request_actions.open_request(acting_user=checker, household=case.household, case=case)
        except NobodyToCheckError as error:
            tell(f"  {ASKED}  {SILENT}（{case.no}）没有签署授权，发起被拒绝：{error}")


def _consented(case: Case, tell: Tell) -> CheckRequest:
    checker = user("dongbao-hc")
    with system_scope(COUNTY):
        there = CheckRequest.objects.filter(case=case).order_by("pk").first()
        members: list[Person] = [one.person for one in members_on(case.household, SIGNED)]
    if there is not None:
        return there
    with clock.frozen(SIGNED), scope(checker), transaction.atomic():
        for person in members:
            if Consent.objects.filter(person=person, household=case.household, ended_on=None).exists():
                continue
            record_consent(
                acting_user=checker, household=case.household, person=person, paper_ref="东宝 2017-09 第 3 盒",
                guardian_name=HEAD if person.name == _MEMBERS[1][1] else "",
            )  # fmt: skip
        tell(f"  {SIGNED}  {checker.name}登记三人的授权书（{_MEMBERS[1][1]}未满 18 周岁，由监护人代签）")
    with clock.frozen(ASKED), scope(checker), transaction.atomic():
        request = request_actions.open_request(
            acting_user=checker, household=case.household, case=case, purpose=CheckRequest.Purpose.APPLICATION
        )
        tell(f"  {ASKED}  发起核对 {request.no}：{len(members)} 人 × {len(_SOURCES)} 个来源")
    return request


def _asked(request: CheckRequest, gateway: _Gateway, tell: Tell) -> CheckRequest:
    checker = user("dongbao-hc")
    with system_scope(COUNTY):
        if request.reports.exists():
            return request
    gateway.at(ASKED)
    gateway.script(_AT_FIRST)
    began = time.perf_counter()
    with clock.frozen(ASKED):
        live.send(request.pk, place=COUNTY, way=gateway.link, patience=PATIENCE)
    took = time.perf_counter() - began
    with clock.frozen(ASKED), scope(checker):
        request.refresh_from_db()
        tell(f"             {took:.1f} 秒后，{request.get_state_display()}：")
        _answers(request, tell)
        report = request_actions.make_report(request, acting_user=checker)
        _report(report, tell)
    return request


def _answers(request: CheckRequest, tell: Tell, *, late: bool = False) -> None:
    """Each source: how long it took, and what it said about whom."""
    rows = request.answers.filter(round=request.round).select_related("source", "person").order_by("pk")
    by: dict[str, list[Any]] = defaultdict(list)
    for row in rows.filter(late=True) if late else rows:
        by[row.source.label].append(row)
    for label, answers in sorted(by.items(), key=lambda pair: max(row.seconds or 0 for row in pair[1])):
        said: dict[str, list[str]] = defaultdict(list)
        for row in answers:
            said[row.status.upper() + (f"（{row.note}）" if row.reason else "")].append(row.person.name)
        words = "；".join(f"{'、'.join(names)} {status}" for status, names in said.items())
        tell(f"    {max(row.seconds or 0 for row in answers):>5.2f} 秒  {label}：{words}")


def _report(report: CheckReport, tell: Tell) -> None:
    whole = "全部答复" if report.complete else f"缺 {len(report.missing)} 项：{'、'.join(report.missing)}"
    tell(f"             核对报告 {report.no}（第 {report.version} 版，摘要 {report.sha256[:12]}…），{whole}")
    for item in report.content["items"]:
        if item["mark"] in ("differ", "undeclared", "several", "only_declared"):
            said = f"；申报：{item['declared']}" if item["declared"] else ""
            tell(f"      {item['mark_label']}  {item['person']} · {item['source_label']}：{item['found']}{said}")


def _late(request: CheckRequest, gateway: _Gateway, tell: Tell) -> None:
    """The next day: what was promised with a ticket is fetched, what had failed is asked again."""
    checker = user("dongbao-hc")
    with system_scope(COUNTY):
        if request.reports.count() > 1:
            return
    gateway.at(LATER)
    gateway.script(_HEALED)
    with clock.frozen(LATER):
        live.fetch_late(COUNTY, way=gateway.link)
        with system_scope(COUNTY):
            request.refresh_from_db()
        if request.state in ("reported", "partly"):
            # A gateway begun anew knows no ticket of its predecessor: what it no longer knows is asked again.
            live.send(request.pk, place=COUNTY, way=gateway.link)
    with clock.frozen(LATER), scope(checker):
        request.refresh_from_db()
        tell(f"  {LATER}  迟到的答复：")
        _answers(request, tell, late=True)
        _report(request_actions.make_report(request, acting_user=checker), tell)


def _completed(case: Case, tell: Tell) -> None:
    """信息核对 on the second report; the town's officer takes over what the registers say."""
    reviewer, officer = user("dongbao-hd"), user("jiedao-sh")
    with system_scope(COUNTY):
        report = CheckReport.objects.filter(request__case=case).select_related("request").order_by("-pk")[0]
        waiting = case.steps.filter(does="check", state="open").exists()
    if not waiting:
        return
    with transaction.atomic():
        with clock.frozen(LATER), scope(officer):
            draft = draft_of(case)
            assert draft is not None
            choices = {item["key"]: "register" for item in report.content["items"] if item["mark"] == "differ"}
            changed = request_actions.apply_report(report, draft, acting_user=officer, choices=choices)
            tell(f"             {officer.name}据报告更正事实：{'；'.join(changed)}")
        with clock.frozen(LATER), scope(reviewer):
            request_actions.complete_check(
                open_step(case, "check"), acting_user=reviewer, opinion="与申报不符之处转入户查清"
            )
            tell(f"             {reviewer.name}以报告 {report.no} 完成信息核对，转入户调查")


def _papers(case: Case, folder: Path, tell: Tell) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with system_scope(COUNTY):
        for report in CheckReport.objects.filter(request__case=case).select_related("file").order_by("pk"):
            path = folder / f"核对报告-{report.no}.pdf"
            with open_plain(report.file) as paper:
                path.write_bytes(paper.read())
            tell(f"    {path}（{path.stat().st_size // 1024} KB）")


def _visit(case: Case, tell: Tell) -> None:
    """An open task for the two officers' phones."""
    officer = user("jiedao-sh")
    household: Household = case.household
    with clock.frozen(LATER), scope(officer):
        task = plan_visit(
            household, VisitTask.Purpose.CASE, acting_user=officer, case=case, assigned=[officer, user("jiedao-rh")],
            note="查清小型轿车由谁使用、养老金和残疾情况",
        )  # fmt: skip
        due = f"{task.due_on}" if task.due_on else "待定"
        tell(f"  入户任务 {task.no} 已派{officer.name}、赵刚，期限 {due}，手机“入户”页可办（jiedao-rh）")
