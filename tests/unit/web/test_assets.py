"""The asset step knows what is current and says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuodi.web import assets


def test_layered_sheet_loses_to_any_rule_of_ours() -> None:
    assert assets._layered('@charset "UTF-8";.a{b:c}') == "@layer tabler{.a{b:c}}\n"


def test_package_without_an_expected_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(assets.AssetsError, match=r"echarts\.min\.js"):
        assets._collect(tmp_path, tmp_path / "vendor")


def test_stamp_of_another_lock_is_not_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = tmp_path / ".stamp"
    monkeypatch.setattr(assets, "STAMP", stamp)
    assert not assets.is_current()
    stamp.write_text("0" * 64)
    assert not assets.is_current()
    stamp.write_text(assets.fingerprint())
    assert assets.is_current()


def test_lock_holds_no_addresses_of_packages() -> None:
    lock = (assets.ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert '"integrity"' in lock
