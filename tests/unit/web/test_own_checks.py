"""A provider's visit through the pages: form, photographs, signatures, finding, and the county's reading of all of it."""

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
from tuodi.monitoring.models import ThirdPartyTask
from tuodi.org import access
from tuodi.org.models import Office
from tuodi.verification.models import VisitPhoto, VisitRecord, VisitTask

pytestmark = pytest.mark.django_db
COUNTY = "420802"


@pytest.fixture(autouse=True)
def _may() -> Any:
    with clock.frozen(date(2017, 5, 8)):
        yield


@pytest.fixture
def staff(make_user: Callable[..., Any]) -> dict[str, Any]:
    """The county, two visitors of the provider, one of another."""
    offices = [
        Office.objects.create(name=name, place_code=COUNTY, kind=Office.Kind.PROVIDER) for name in ("示例社工", "别家")
    ]
    people = {name: make_user(COUNTY, "third_party", username=name) for name in ("lan", "tian", "bie")}
    for name, office in zip(people, (offices[0], offices[0], offices[1]), strict=True):
        people[name].office = office
        people[name].save()
    return {"county": make_user(COUNTY, "clue_decide"), "provider": offices[0], **people}


@pytest.fixture
def contract(staff: dict[str, Any]) -> Any:
    for _ in range(2):
        home(village="420802001001")
    with access.scope(staff["county"]):
        made = thirdparty_actions.make_contract(
            acting_user=staff["county"], place=COUNTY, provider=staff["provider"], first_day=date(2017, 5, 1),
            last_day=date(2017, 12, 31), scope="全区",
        )  # fmt: skip
        thirdparty_actions.assign(made, acting_user=staff["county"])
    return made


def filled(staff: dict[str, Any]) -> dict[str, Any]:
    """What the plain form posts at least."""
    return {
        "who": [staff["lan"].pk], "who_more": "tian", "at_home": "本人", "base_version": "0",
        "a-members_fit-fit": "agree", "a-house_source": "own", "a-furnish": "ordinary", "a-vehicles-seen": "无",
        "a-other_house": "no", "a-income_year-seen": "10800", "a-staff_kin": "no", "conclusion": "true",
        "photos": SimpleUploadedFile("x.png", png(40, 30)), "paper": SimpleUploadedFile("y.png", png(50, 40)),
    }  # fmt: skip


def test_visit_is_made_on_the_field_page_and_read_by_the_county(contract: Any, staff: dict[str, Any]) -> None:
    client = client_of(staff["lan"])
    with access.scope(staff["county"]):
        task = ThirdPartyTask.objects.select_related("household__head").order_by("pk").first()
        whole = task.household.head
    answer = client.post(f"/own-checks/{task.pk}/", {"do": "visit"})
    with access.scope(staff["county"]):
        visit = VisitTask.objects.get()
    here = f"/field/{visit.pk}/"
    assert (answer.status_code, answer["Location"]) == (303, here)
    assert here in client.get("/field/").content.decode()
    assert here in client.get(f"/own-checks/{task.pk}/").content.decode()
    text = client.get(here).content.decode()
    assert "第三方核查" in text
    assert "登记：" in text
    assert "申报" not in text.split("field-form")[1].split("f-photos")[0]
    assert "550" not in text
    assert whole.id_masked not in text

    refused = client.post(here, {"who": [staff["lan"].pk], "conclusion": "true"})
    assert refused.status_code == 400
    done = client.post(here, filled(staff), follow=True).content.decode()
    assert "已提交：已签名" in done
    assert 'id="finding"' in done
    with access.scope(staff["county"]):
        row = VisitRecord.objects.select_related("task").get()
        photo = VisitPhoto.objects.order_by("pk").first()
    assert [one["name"] for one in row.investigators] == [staff["lan"].name, staff["tian"].name]
    picture = f"/field/photos/{photo.pk}/"
    assert client.get(picture)["Content-Type"] == "image/png"
    assert client.get(f"{here}print/").status_code == 200

    said = {"record": row.pk, "met": "本人", "opinion": "not", "reasons": "有<b>两层新楼"}
    assert "核查意见已提交" in client.post(f"/own-checks/{task.pk}/", said, follow=True).content.decode()
    county = client_of(staff["county"])
    page = county.get(f"/third-party/{contract.pk}/").content.decode()
    assert f"入户记录 {row.no}" in page
    assert picture in page
    assert "有&lt;b&gt;两层新楼" in page
    assert row.no in county.get(here).content.decode()
    assert county.get(picture).status_code == 200
    county.post(f"/third-party/{contract.pk}/", {"do": "decide", "decision": "clue", "task": [task.pk]})
    late = client.post(here, {**filled(staff), "base_version": "1", "correction_reason": "改"})
    assert late.status_code in (400, 409)
    assert "已处理" in late.content.decode()
    with access.scope(staff["county"]):
        assert VisitRecord.objects.count() == 1


def test_neither_a_colleague_nor_another_provider_comes_to_the_visit(contract: Any, staff: dict[str, Any]) -> None:
    with access.scope(staff["county"]):
        keys = list(ThirdPartyTask.objects.order_by("pk").values_list("pk", flat=True))
    client = client_of(staff["lan"])
    assert "2 户的入户表已备好" in client.post("/own-checks/", {"task": keys}, follow=True).content.decode()
    with access.scope(staff["county"]):
        visit = VisitTask.objects.order_by("pk").first()
    client.post(f"/field/{visit.pk}/", filled(staff))
    with access.scope(staff["county"]):
        photo = VisitPhoto.objects.order_by("pk").first()
    for name in ("tian", "bie"):
        other = client_of(staff[name])
        assert "没有要入户的任务" in other.get("/field/").content.decode()
        for path in (f"/field/{visit.pk}/", f"/field/{visit.pk}/print/", f"/field/photos/{photo.pk}/"):
            assert other.get(path).status_code == 404, (name, path)
        assert other.post(f"/field/{visit.pk}/", filled(staff)).status_code == 404
        sent = {"file": SimpleUploadedFile("z.png", png(9, 9))}
        assert other.post(f"/field/{visit.pk}/photos/", sent).status_code == 404
        assert other.post(f"/own-checks/{keys[0]}/", {"do": "visit"}, follow=True).status_code == 404
    with access.scope(staff["county"]):
        assert VisitRecord.objects.count() == 1
