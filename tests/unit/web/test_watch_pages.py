"""Third-party checks and hand-overs through their pages: doors, the second person, findings decided each by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from casekit import client_of
from cluekit import home
from django.core.files.uploadedfile import SimpleUploadedFile
from fieldkit import png

from tuodi.kernel import clock
from tuodi.monitoring import thirdparty_actions
from tuodi.monitoring.models import HandOver, ThirdPartyContract, ThirdPartyTask
from tuodi.org import access
from tuodi.org.models import Office

pytestmark = pytest.mark.django_db
COUNTY = "420802"


@pytest.fixture(autouse=True)
def _may() -> Any:
    with clock.frozen(date(2017, 5, 8)):
        yield


def test_doors(make_user: Callable[..., Any]) -> None:
    decider, asker = make_user(COUNTY, "clue_decide"), make_user("4208", "hand_over")
    for path, inside, outside in (("/third-party/", decider, asker), ("/hand-over/", asker, decider)):
        assert client_of(inside).get(path).status_code == 200
        assert client_of(outside).get(path).status_code == 403
    assert client_of(decider).get("/third-party/4711/").status_code == 404
    assert client_of(asker).get("/hand-over/4711/").status_code == 404


def test_contract_is_registered_checked_and_its_findings_decided(make_user: Callable[..., Any]) -> None:
    user = make_user(COUNTY, "clue_decide")
    provider = Office.objects.create(name="示例社工中心", place_code=COUNTY, kind=Office.Kind.PROVIDER)
    client = client_of(user)
    wrong = client.post(
        "/third-party/", {"provider": provider.pk, "first_day": "五月", "scope": "全区", "price": "三千"}
    )
    assert "不是金额" in wrong.content.decode()
    given = {
        "provider": provider.pk,
        "first_day": "2017-05-01",
        "last_day": "2017-12-31",
        "scope": "全区<b>低保</b>",
        "price": "3000",
    }
    assert client.post("/third-party/", given).status_code == 303
    families = [home(village="420802001001") for _ in range(3)]
    with access.scope(user):
        contract = ThirdPartyContract.objects.get()
    path = f"/third-party/{contract.pk}/"
    assert "已派 3 项任务" in client.post(path, {"do": "assign", "every": "1"}, follow=True).content.decode()
    with access.scope(user):
        tasks = list(ThirdPartyTask.objects.order_by("pk"))
        for task, opinion in zip(tasks, ("not", "eligible", "doubt"), strict=True):
            ThirdPartyTask.objects.filter(pk=task.pk).update(
                state="reported",
                opinion=opinion,
                reasons="<script>1</script>",
                visited_at=clock.now(),
                reported_at=clock.now(),
            )
    text = client.get(path).content.decode()
    assert "符合 1 ＋ 不符合 1 ＋ 有疑问 1 ＝ 核查 3 户次；核查 3 ＋ 未核查 0 ＝ 任务 3" in text
    assert "33.3%" in text
    assert "<script>1" not in text
    assert "全区<b>" not in text
    answer = client.post(path, {"do": "decide", "decision": "clue", "task": [task.pk for task in tasks]}, follow=True)
    assert "已处理 2 项" in answer.content.decode()
    assert "没有可转的线索" in answer.content.decode()
    with access.scope(user):
        decided = {task.opinion: (task.state, task.clue_id is not None) for task in ThirdPartyTask.objects.all()}
    assert decided == {"not": ("decided", True), "doubt": ("decided", True), "eligible": ("reported", False)}
    assert len(families) == 3


def test_second_person_approves_a_hand_over_and_nobody_else_fetches_it(make_user: Callable[..., Any]) -> None:
    asker, second, other = (
        make_user("4208", "hand_over"),
        make_user("4208", "hand_over_approve"),
        make_user("4208", "hand_over"),
    )
    with access.scope(asker):
        row = HandOver.objects.create(
            region="420800000000", place_code="4208", no="YJ-4208-2017-0001", receiver="纪检<i>组</i>", purpose="专项检查", basis="1号", first_month=201607,
            last_month=201704, profile="discipline", format="csv", state="waiting", expected=444_646, limit_rows=1000,
            requested_at=clock.now(), requested_by=asker,
        )  # fmt: skip
    path = f"/hand-over/{row.pk}/"
    mine = client_of(asker).get(path).content.decode()
    assert "申请人不能自己审批" in mine
    assert "纪检<i>" not in mine
    client_of(asker).post(path, {"do": "approve"})
    with access.scope(asker):
        assert HandOver.objects.get().state == "waiting"
    assert "不批准理由" in client_of(second).post(path, {"do": "refuse", "reason": ""}, follow=True).content.decode()
    assert "已批准" in client_of(second).post(path, {"do": "approve"}, follow=True).content.decode()
    answer = client_of(other).get(f"{path}file/", follow=True)
    assert "只有申请人可以下载" in answer.content.decode()
    assert client_of(second).get(f"{path}file/").status_code == 403


def test_provider_sees_its_own_tasks_alone_and_reports(make_user: Callable[..., Any]) -> None:
    decider = make_user(COUNTY, "clue_decide")
    provider = Office.objects.create(name="示例社工中心", place_code=COUNTY, kind=Office.Kind.PROVIDER)
    other = Office.objects.create(name="另一社工中心", place_code=COUNTY, kind=Office.Kind.PROVIDER)
    families = [home(village="420802001001") for _ in range(2)]
    with access.scope(decider):
        contract = thirdparty_actions.make_contract(
            acting_user=decider, place=COUNTY, provider=provider, first_day=date(2017, 5, 1), last_day=date(2017, 12, 31),
            scope="全区", price_fen=None,
        )  # fmt: skip
        thirdparty_actions.assign(contract, acting_user=decider, every=1)
        tasks = list(ThirdPartyTask.objects.order_by("pk"))
    visitor, stranger = make_user(COUNTY, "third_party"), make_user(COUNTY, "third_party")
    for user, office in ((visitor, provider), (stranger, other)):
        user.office = office
        user.save()
    client, here = client_of(visitor), f"/own-checks/{tasks[0].pk}/"
    text = client.get("/own-checks/").content.decode()
    assert "2 户，1 个村" in text
    page = client.get(here).content.decode()
    assert families[0].head.name in page
    assert "550.00" not in page
    refused = client.post(here, {"opinion": "not", "reasons": " "}).content.decode()
    assert "必须写明理由" in refused
    photo = SimpleUploadedFile("院内.png", png())
    done = client.post(here, {"opinion": "not", "reasons": "<i>有两层新楼", "photos": photo}, follow=True)
    assert "核查意见已提交" in done.content.decode()
    assert here not in client.get("/own-checks/").content.decode()
    text = client.get("/own-checks/?all=1").content.decode()
    assert here in text
    assert "不符合条件" in text
    with access.scope(decider):
        task = ThirdPartyTask.objects.get(pk=tasks[0].pk)
        assert (task.opinion, task.reasons, task.photos.count()) == ("not", "<i>有两层新楼", 1)
    assert "0 户" in client_of(stranger).get("/own-checks/").content.decode()
    assert client_of(stranger).get(here).status_code == 404
    assert client_of(decider).get("/own-checks/").status_code == 403
    assert client.get("/clues/").status_code == 403
