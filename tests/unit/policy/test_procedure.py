"""Procedures: the right text for a place and day, merging, and every fault a pack author can make."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tuodi.policy.faults import PolicyErrors
from tuodi.policy.procedure import Limit, NoProcedureError, Procedure, Unit, load, place_chain

POLICIES = Path(__file__).parents[3] / "policies"

BASE = """\
pack: {place: cn, programme: dibao}
procedures:
  base:
    label: 底本
    from: 2020-01-01
    clause: 法 1
    steps:
      accept: {label: 受理, does: accept, by: TOWN, duty: accept, clause: 法 1}
      check: {label: 核对, does: check, by: COUN, duty: review, after: [accept], clause: 法 2}
      visit: {label: 入户, does: visit, by: TOWN, duty: visit, after: [check], people: 2, clause: 法 3}
      first_review: {label: 初审, does: review, by: TOWN, duty: review, after: [visit], clause: 法 4}
      notice:
        label: 公示
        does: notice
        by: TOWN
        duty: review
        after: [first_review]
        notice: {stage: review, days: 7, where: [村], content: [applicant_name, amount]}
        objection: {back_to: visit, clause: 法 5}
        clause: 法 5
      confirm: {label: 确认, does: confirm, by: COUN, duty: confirm, after: [notice], limit: {n: 10, unit: 工作日, clause: 法 6}, clause: 法 6}
"""
LOCAL = """\
pack: {place: "420899", programme: dibao}
procedures:
  local:
    from: 2021-01-01
    amends: [base]
    clause: 地 1
"""


@pytest.fixture(scope="module")
def shipped():
    return load(POLICIES)


def write(tmp_path: Path, *texts: str) -> Path:
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def faults(tmp_path: Path, *texts: str) -> str:
    with pytest.raises(PolicyErrors) as caught:
        load(write(tmp_path, *texts))
    return str(caught.value)


def local(tmp_path: Path, rest: str, base: str = BASE) -> Procedure:
    return load(write(tmp_path, base, LOCAL + rest)).for_case("420899001", "dibao", date(2021, 5, 1))


def test_the_acceptance_day_picks_between_the_two_national_texts(shipped):
    assert shipped.for_case("420802001", "dibao", date(2021, 6, 30)).texts == ("dibao_jingmen_2017", "dibao_220")
    assert shipped.for_case("420802001", "dibao", date(2021, 7, 1)).key == "dibao_57"
    assert shipped.for_case("420802001", "dibao", date(2022, 10, 20)).key == "dibao_57_2022"


def test_220_has_two_notices_and_57_one(shipped):
    for day, notices in ((date(2017, 5, 10), 2), (date(2021, 9, 13), 1)):
        procedure = shipped.for_case("420802", "dibao", day)
        assert sum(step.does == "notice" for step in procedure.steps) == notices
        assert procedure.approver == "COUN"


def test_total_limit_of_57_depends_on_marks_and_delegation(shipped):
    procedure = shipped.for_case("420802", "dibao", date(2023, 1, 3))
    assert procedure.total_limit().n == 30
    assert procedure.total_limit(["delegated"]).n == 20
    assert procedure.total_limit(["delegated", "objection"]).n == 45
    assert shipped.for_case("420802", "dibao", date(2021, 9, 13)).total_limit(["delegated"]).n == 30


def test_townships_of_the_pilot_approve_while_220_lasts(shipped):
    assert shipped.for_case("420804001", "dibao", date(2017, 5, 10)).approver == "TOWN"
    assert shipped.for_case("420804001", "dibao", date(2021, 7, 1)).approver == "COUN"


def test_kuancheng_reviews_in_the_village_and_confirms_in_the_town(shipped):
    procedure = shipped.for_case("220103001", "dibao", date(2021, 9, 10))
    assert [procedure.step(s).by for s in ("first_review", "confirm", "filing")] == ["VILL", "TOWN", "COUN"]
    assert "check" not in procedure.step("visit").after
    assert {"check", "visit"} <= set(procedure.step("first_review").after)
    assert procedure.total_limit() == Limit(15, Unit.DAY, clause="宽城2021 减法", note=procedure.total[0].note)
    assert any("初审公示" in text and "57-19" in text for text in procedure.warnings)


def test_yunnan_2020_keeps_220_and_says_what_the_township_does(shipped):
    procedure = shipped.for_case("530102001", "dibao", date(2020, 9, 4))
    assert procedure.texts == ("dibao_yunnan", "dibao_220")
    assert {step.id: step.by for step in procedure.steps}["first_review"] == "TOWN"
    assert procedure.step("visit").people == 2
    assert procedure.step("visit").clause == procedure.step("meeting").clause == "云南2020 一(二)"
    assert "100%入户核查" in procedure.step("visit").note
    assert procedure.warnings == ()
    assert shipped.for_case("530102001", "dibao", date(2021, 7, 1)).texts == ("dibao_57",)


def test_wuhai_has_one_door_under_each_national_text(shipped):
    for day, root in ((date(2015, 1, 5), "dibao_220"), (date(2021, 7, 1), "dibao_57")):
        procedure = shipped.for_case("150302001", "dibao", day)
        assert procedure.texts[-1] == root
        assert (procedure.step("accept").label, procedure.step("accept").clause) == ("一门受理", "乌海2014-17")
    assert shipped.for_case("150302001", "dibao", date(2014, 12, 30)).texts == ("dibao_220",)


def test_jingmen_leaves_the_sixteen_pilot_townships_unnamed_and_unchanged(shipped):
    procedure = shipped.for_case("420822001", "dibao", date(2017, 5, 10))
    assert (procedure.approver, procedure.warnings) == ("COUN", ())
    assert "16 个试点乡镇" in procedure.note


def test_a_pilot_township_is_named_by_its_own_code(shipped, tmp_path):
    text = (POLICIES / "420804-duodao" / "procedure" / "dibao.yaml").read_text(encoding="utf-8")
    (tmp_path / "pilot.yaml").write_text(
        text.replace("420804", "420822101").replace("dibao_duodao_2017", "dibao_pilot_2017"), encoding="utf-8"
    )
    procedures = load([POLICIES, tmp_path])
    assert procedures.for_case("420822101001", "dibao", date(2017, 5, 10)).approver == "TOWN"
    assert procedures.for_case("420822102001", "dibao", date(2017, 5, 10)).approver == "COUN"
    assert any("审批" in text for text in procedures.for_case("420822101", "dibao", date(2017, 5, 10)).warnings)


def test_papers_are_named_at_the_step_that_prints_them(shipped):
    procedure = shipped.for_case("420802", "dibao", date(2017, 5, 10))
    printed = {step.id: step.prints for step in procedure.steps if step.prints}
    assert printed["accept"] == ("application_form", "consent_form")
    assert printed["visit"] == printed["county_visit"] == ("home_visit",)
    assert printed["meeting"] == ("review_minutes",)
    assert printed["notice_review"] == printed["notice_approval"] == ("notice_sheet",)
    assert printed["inform"] == ("decision_notice",)


def test_clocks_stop_for_papers_only_where_the_text_says_so(shipped, tmp_path):
    assert not shipped.for_case("420802", "dibao", date(2021, 9, 13)).stop_for_materials
    assert local(tmp_path, "    stop_for_materials: true\n").stop_for_materials


def test_a_text_frozen_before_papers_were_named_is_still_read(shipped):
    tree = shipped.for_case("420802", "dibao", date(2021, 9, 13)).to_json()
    del tree["stop_for_materials"]
    for step in tree["steps"]:
        del step["prints"]
    assert Procedure.from_json(tree).step("accept").prints == ()


def test_edge_families_follow_the_dibao_text_with_their_own_delegation(shipped):
    day = date(2021, 9, 10)
    assert shipped.for_case("420802", "edge", day).texts == ("dibao_57",)
    assert shipped.for_case("220103001", "edge", day).approver == "TOWN"


def test_a_standard_area_without_text_takes_the_nation_s(shipped):
    assert place_chain("4208Z1001") == ["4208Z1001", "4208Z1", "4208", "42", "cn"]
    assert shipped.for_case("4208Z1", "dibao", date(2016, 5, 10)).place == "cn"
    assert shipped.for_case("4208Z1", "dibao", date(2017, 5, 10)).place == "4208"


def test_no_text_in_force_says_what_to_do(shipped):
    with pytest.raises(NoProcedureError, match="procedure 文件里补一份"):
        shipped.for_case("420802", "tekun", date(2020, 1, 1))


def test_frozen_json_gives_the_same_procedure_and_hash_back(shipped):
    procedure = shipped.for_case("220103001", "dibao", date(2021, 9, 10))
    again = Procedure.from_json(procedure.to_json())
    assert again == procedure
    assert again.hash == procedure.hash
    assert procedure.hash != shipped.for_case("220103001", "dibao", date(2021, 5, 10)).hash


def test_parallel_step_keeps_its_successors_waiting_for_both(tmp_path):
    procedure = local(tmp_path, "    steps:\n      visit: {parallel_with: [check], clause: 地 2}\n")
    assert procedure.step("visit").after == ("accept",)
    assert set(procedure.step("first_review").after) == {"check", "visit"}


def test_dropped_step_hands_its_wait_on_and_warns(tmp_path):
    procedure = local(tmp_path, "    drop:\n      notice: {clause: 地 3, quote: 取消公示}\n")
    assert procedure.step("confirm").after == ("first_review",)
    assert procedure.warnings == ("国家规定的步骤“公示”（法 5）本地取消，依据 地 3「取消公示」。",)


def test_objection_reopens_the_step_and_all_after_it(shipped):
    procedure = shipped.for_case("420802", "dibao", date(2021, 9, 13))
    assert [s.id for s in procedure.from_step("visit")][:4] == ["visit", "meeting", "first_review", "notice_review"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("after: [accept], clause: 法 2", "after: [confirm], clause: 法 2", "成环"),
        ("after: [accept], clause: 法 2", "after: [acept], clause: 法 2", "“acept”不存在，是否想写“accept”"),
        ("after: [accept], clause: 法 2", "clause: 法 2", "没有写 after"),
        ("does: confirm, by: COUN", "does: confirm, by: VILL", "没有人可以办：村（社区）没有“确认”职责"),
        ("by: COUN, duty: review", "by: MOON, duty: review", "办理层级“MOON”不认识"),
        ("by: COUN, duty: review", "by: COUN, duty: cook", "职责“cook”不认识"),
        ("does: confirm, by: COUN, duty: confirm", "does: confirm, by: COUN, duty: review", "职责应是 confirm"),
        ("does: confirm", "does: record", "应恰有一个确认步骤"),
        ("does: check", "does: accept", "应恰有一个受理步骤"),
        ("after: [visit], clause", "after: [visit], when: [flod], clause", "情形“flod”没有声明"),
        ("after: [visit], clause", "after: [visit], only_if: passed, clause", "永远不会开始"),
        ("after: [first_review]\n", "after: [visit]\n", "与“确认”没有先后关系"),
        ("after: [check], people", "after: [check], parallel_with: [check], people", "同步进行，却又有先后"),
        ("content: [applicant_name, amount]", "content: [id_no]", "不得公开“id_no”"),
        ("days: 7, ", "", "没有写天数"),
        ("people: 2,", "people: 2, prints: [home_vist],", "“home_vist”不是已有的文书，是否想写“home_visit”"),
        ("does: check", "does: assess", "只有特困人员"),
        ("where: [村], ", "", "没有写张贴地点"),
        ("        objection: {back_to: visit, clause: 法 5}\n", "", "缺少 objection"),
        ("back_to: visit", "back_to: confirm", "那一步不在它之前"),
        ("n: 10, unit: 工作日", "n: 10, unit: 工作曰", "单位“工作曰”不认识"),
        ("n: 10, unit: 工作日", "n: 0, unit: 工作日", "不小于 1"),
        ("unit: 工作日, clause: 法 6", "unit: 工作日", "没有条款"),
        ("people: 2", "peple: 2", "没有“peple”这一项，是否想写“people”"),
        ("from: 2020-01-01", "from: 2020-13-01", "不存在的日期"),
        ("    clause: 法 1\n    steps", "    steps", "缺少“clause”"),
    ],
)
def test_each_fault_of_a_complete_text_is_named_with_its_line(tmp_path, old, new, said):
    assert old in BASE
    text = faults(tmp_path, BASE.replace(old, new, 1))
    assert said in text
    assert "0.yaml:" in text


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (
            "    steps:\n      filing: {does: file, by: COUN, duty: file, after: [confirm], clause: 地 1}\n",
            "步骤“filing”是备案，应报县（区）的上级",
        ),
        ("    drop:\n      notic: {clause: 地 1}\n", "要取消的步骤“notic”在上级程序里没有"),
        ("    drop:\n      notice: {}\n", "缺少“clause”"),
        ("    steps:\n      confrm: {by: TOWN}\n", "没有写 does"),
        ("    steps:\n      confirm: {limit: {n: 20, unit: 工作日, clause: 约 1}}\n", "更长的期限要有文件依据"),
        ("    steps:\n      confirm: {limit: {n: 20, unit: 工作日, clause: 无 1}}\n", "引用了没有声明的文件"),
    ],
)
def test_each_fault_of_a_local_text_is_named(tmp_path, rest, said):
    declared = "instruments:\n  法: {kind: law}\n  地: {kind: normative}\n  约: {kind: convention}\n"
    text = faults(tmp_path, BASE, LOCAL + rest, declared)
    assert said in text
    assert "1.yaml:" in text


def test_longer_limit_with_an_instrument_is_a_warning(tmp_path):
    declared = "instruments:\n  法: {kind: law}\n  地: {kind: normative}\n"
    rest = "    steps:\n      confirm: {limit: {n: 20, unit: 工作日, clause: 地 9}}\n"
    procedures = load(write(tmp_path, BASE, LOCAL + rest, declared))
    assert [w.severity for w in procedures.warnings] == ["warning"]
    assert "长于上级规定的 10个工作日" in procedures.warnings[0].message


def test_replaced_upper_text_asks_for_a_decision(tmp_path):
    later = BASE.replace("  base:", "  later:").replace("from: 2020-01-01", "from: 2022-01-01")
    earlier = BASE.replace("from: 2020-01-01", "from: 2020-01-01\n    to: 2021-12-31")
    text = faults(tmp_path, earlier, LOCAL, later)
    assert "2022-01-01 起上级改用“later”" in text
    assert "写明 to" in text


def test_local_text_without_any_upper_text_is_refused(tmp_path):
    assert "没有可依据的上级程序" in faults(tmp_path, BASE.replace("cn", '"53"'), LOCAL)


def test_overlapping_texts_of_one_place_are_refused(tmp_path):
    assert "有效期重叠" in faults(tmp_path, BASE, BASE.replace("  base:", "  other:"))


def test_the_same_name_twice_is_refused(tmp_path):
    assert "重复，前一处" in faults(tmp_path, BASE, BASE)


def test_all_faults_come_at_once(tmp_path):
    text = faults(tmp_path, BASE.replace("by: COUN", "by: MOON").replace("days: 7, ", ""))
    assert text.count("0.yaml:") >= 3


def test_overlay_folder_replaces_a_text_of_the_same_name(tmp_path):
    below, above = tmp_path / "a", tmp_path / "b"
    below.mkdir()
    above.mkdir()
    write(below, BASE)
    write(above, BASE.replace("n: 10", "n: 5"))
    confirm = load([below, above]).for_case("420899", "dibao", date(2021, 1, 1)).step("confirm")
    assert confirm.limit().n == 5


def outcomes(procedure: Procedure, marks: set[str], decision: str, objections: int) -> str:
    """Walks a case through a procedure by its own words: "ended", or the steps it is stuck at."""
    over, wanted = set(), {step.id: step for step in procedure.steps}
    decided, left = "", objections
    for _ in range(200):
        ready = [s for s in procedure.steps if s.id not in over and set(s.after) <= over]
        if not ready:
            break
        step = ready[0]
        if step.does == "confirm":
            decided = decision
        if step.does == "notice" and left:
            left -= 1
            marks = {*marks, "objection"}
            assert step.objection.back_to in wanted
            over -= {again.id for again in procedure.from_step(step.objection.back_to)}
            if not step.objection.new_notice:
                over.add(step.id)
            continue
        over.add(step.id)
    return "ended" if over == set(wanted) and decided else f"stuck at {sorted(set(wanted) - over)}"


@pytest.mark.parametrize("objections", [0, 1, 3])
@pytest.mark.parametrize("decision", ["passed", "refused"])
def test_every_shipped_procedure_ends_whatever_happens(shipped, decision, objections):
    seen = set()
    for block in shipped.blocks:
        for day in (block.start, min(block.end, date(2026, 1, 1))):
            procedure = shipped.for_case(block.place, block.programme, day)
            seen.add(procedure.hash)
            assert outcomes(procedure, {"kin"}, decision, objections) == "ended", procedure.key
    assert len(seen) >= 12
