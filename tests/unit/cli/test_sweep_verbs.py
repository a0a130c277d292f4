"""`tuodi sweep` and `tuodi handover` as a clerk types them."""

from __future__ import annotations

from datetime import date

import pytest
import watchkit
from casekit import hire
from paykit import family

from tuodi.cli.registry import build_parser
from tuodi.kernel import clock

pytestmark = pytest.mark.django_db(transaction=True)


def tuodi(*words: str) -> int:
    args = build_parser(("tuodi.cli.verbs",)).parse_args(words)
    with clock.frozen(date(2017, 9, 4)):
        return args.run(args) or 0


def test_a_sweep_is_run_listed_and_shown(make_user, capsys):
    home = family()
    watchkit.consent(home)
    watchkit.batch("vehicle", [watchkit.car(home.head)])
    user = watchkit.clerk(make_user)
    assert tuodi("sweep", "run", "--place", "420802", "--user", user.username) == 0
    told = capsys.readouterr().out
    assert "→ 线索 1" in told
    assert "查实 0 ＋ 查否 0 ＋ 未结 1 ＝ 1" in told
    assert tuodi("sweep", "list", "--place", "4208") == 0
    assert "BD-420802-2017-0001" in capsys.readouterr().out
    assert tuodi("sweep", "show", "BD-420802-2017-0001") == 0
    assert "VEHICLE" in capsys.readouterr().out
    assert tuodi("sweep", "show", "BD-0") == 1
    assert tuodi("sweep", "run", "--place", "420802", "--user", "nobody") == 2


def test_a_hand_over_from_import_to_file(make_user, capsys, tmp_path):
    home = family()
    path = tmp_path / "明细.csv"
    path.write_text(f"月份,项目,城乡,家庭编号,人数,金额\n2016-07,低保,城市,{home.no},2,600\n", encoding="utf-8")
    user = hire(make_user, "4208", "hand_over")
    assert tuodi("handover", "import", str(path), "--place", "4208") == 0
    asked = ("--months", "2016-07", "--receiver", "纪委", "--purpose", "比对", "--basis", "函1号")
    assert tuodi("handover", "request", "--place", "4208", "--user", user.username, *asked) == 0
    assert "YJ-4208-2017-0001：1 行，待生成" in capsys.readouterr().out
    assert tuodi("handover", "make", "YJ-4208-2017-0001", "--user", user.username, "--out", str(tmp_path / "out")) == 0
    made = tmp_path / "out" / "YJ-4208-2017-0001.xlsx"
    assert made.stat().st_size > 1000
    assert made.stat().st_mode & 0o077 == 0
    assert tuodi("handover", "list", "--place", "4208") == 0
    assert "下载 1 次" in capsys.readouterr().out
