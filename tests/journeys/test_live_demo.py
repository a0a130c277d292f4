"""The demo's live check: told once, refused without consent, resumed after a kill, and no process of its left behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tuodi.cases.models import Case
from tuodi.crypto.sm2 import load_or_make
from tuodi.demo import live as chapter
from tuodi.demo.staff import set_up_places, set_up_staff
from tuodi.demo.waiting import tell_waiting
from tuodi.org.access import system_scope
from tuodi.verification.models import CheckRequest, DataSource, VisitTask

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(tmp_path: Path, settings: Any, files_dir: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Staff and the cases under way; gives the process numbers of the gateways that are started."""
    settings.GATEWAY_KEY = tmp_path / "key"
    load_or_make(settings.GATEWAY_KEY)
    set_up_places()
    set_up_staff(tmp_path / "accounts.txt")
    tell_waiting(lambda text: None)
    started: list[int] = []
    popen = chapter.subprocess.Popen

    def noted(*args: Any, **more: Any) -> Any:
        process = popen(*args, **more)
        started.append(process.pid)
        return process

    monkeypatch.setattr(chapter.subprocess, "Popen", noted)
    return started


class KilledError(Exception):
    """Stands for a kill of the story."""


def killed_at(words: str) -> Any:
    def tell(text: str) -> None:
        if words in text:
            raise KilledError

    return tell


def test_the_chapter_is_told_whole_and_only_once(told: list[int], tmp_path: Path, settings: Any) -> None:
    said: list[str] = []
    chapter.tell_live(tmp_path, said.append)
    text = "\n".join(said)
    assert "仇德福" in text
    assert "没有签署授权，发起被拒绝" in text
    for word in ("FOUND", "NOT_FOUND", "TIMEOUT（对方尚在办理", "ERROR（对方系统出错（HTTP 500）"):
        assert word in text, text
    assert "不一致  柳桂芳 · 社会保险和养老待遇（实时）：12,558.00 元/年；申报：家庭年收入合计 9,600.00 元/年" in text
    assert "未申报  谭永福 · 机动车登记（实时）：小型轿车 鄂H6T218" in text
    with system_scope("420802"):
        (request,) = CheckRequest.objects.all()
        first, second = request.reports.order_by("version")
        assert (first.complete, second.complete) == (False, True)
        assert request.answers.filter(late=True).count() == 6
        case = Case.objects.get(applicant__name=chapter.HEAD)
        assert case.steps.get(does="check").data["report"] == second.no
        assert case.steps.get(name="visit").state == "open"
        task = VisitTask.objects.get(case=case)
        assert (task.state, len(task.assigned_ids)) == ("planned", 2)
    papers = sorted((tmp_path / "核对报告").iterdir())
    assert [path.read_bytes()[:5] for path in papers] == [b"%PDF-", b"%PDF-"]
    (pid,) = told
    assert not Path(f"/proc/{pid}").exists()
    assert settings.GATEWAY_URL == ""

    again: list[str] = []
    chapter.tell_live(tmp_path, again.append)
    assert len(again) == 1
    assert "已核对" in again[0]
    assert len(told) == 1


@pytest.mark.parametrize("words", ["登记三人的授权书", "秒后", "迟到的答复"])
def test_a_story_killed_in_the_middle_goes_on(told: list[int], tmp_path: Path, words: str) -> None:
    with pytest.raises(KilledError):
        chapter.tell_live(tmp_path, killed_at(words))
    for pid in told:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    chapter.tell_live(tmp_path, lambda text: None)
    with system_scope("420802"):
        request = CheckRequest.objects.get()
        assert list(request.reports.order_by("version").values_list("complete", flat=True)) == [False, True]
        assert VisitTask.objects.count() == 1
        assert DataSource.objects.filter(mode="real_time").count() == len(chapter._SOURCES)
        assert request.household.head.name == chapter.HEAD
