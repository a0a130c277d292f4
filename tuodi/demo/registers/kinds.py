"""The registers of the departments: who keeps which, how large, true of which day, and how many clues lie in it.

How the 5,748 clues fall on the four kinds that the source names is this demo's choice; the source prints the sum alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

__all__ = ["CLUES", "KINDS", "TRUE", "Kind", "Share", "scaled"]


@dataclass(frozen=True, slots=True)
class Share:
    """How many rows about people on the roll have a part to play, at full size.

    Attributes:
        true, false: Clues. ``true`` ends confirmed, ``false`` refuted for a reason only a person could find.
        decoys: Rows that must not become clues, by what they are.
    """

    true: int = 0
    false: int = 0
    decoys: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """One register. ``rows``: all its rows at full size, duplicates among them."""

    code: str
    label: str
    department: str
    as_of: date
    rows: int
    share: Share = field(default_factory=Share)


#: Decoys. stale: no longer so (scrapped, cancelled, left). exempt: may be had. harmless: below every limit.
#: bad_check: the number's last character is wrong. name_conflict: the number is right, the name another.
#: unconsented: about somebody who has not signed. left: about somebody who had left the roll. duplicate: again, exactly.
_COMMON = {"bad_check": 40, "name_conflict": 60, "unconsented": 45, "duplicate": 150}

KINDS = (
    Kind(
        "vehicle", "机动车登记", "荆门市公安局交警支队", date(2017, 4, 30), 412_386,
        Share(168, 1794, {"stale": 900, "exempt": 320, **_COMMON}),
    ),
    Kind(
        "estate", "不动产登记", "荆门市国土资源局不动产登记中心", date(2017, 4, 28), 689_214,
        Share(121, 1366, {"stale": 1100, "exempt": 2415, **_COMMON}),
    ),
    Kind(
        "business", "市场主体登记", "荆门市工商行政管理局", date(2017, 4, 30), 176_530,
        Share(187, 1118, {"stale": 640, "exempt": 266, **_COMMON}),
    ),
    Kind(
        "fiscal_kin", "财政供养人员家属", "荆门市财政局", date(2017, 4, 15), 31_870,
        Share(78, 916, {"stale": 210, **_COMMON}),
    ),
    Kind(
        "fiscal", "财政供养人员", "荆门市财政局", date(2017, 4, 15), 81_942,
        Share(decoys={"stale": 300, "bad_check": 20, "name_conflict": 30}),
    ),
    Kind(
        "social_insurance", "社会保险参保缴费", "荆门市人力资源和社会保障局", date(2017, 4, 30), 1_023_077,
        Share(decoys={"harmless": 26_000, "stale": 2_000, "bad_check": 60, "name_conflict": 80}),
    ),
    Kind(
        "housing_fund", "住房公积金", "荆门市住房公积金中心", date(2017, 4, 30), 214_305,
        Share(decoys={"stale": 150, "bad_check": 10, "name_conflict": 20}),
    ),
    Kind(
        "tax", "个人所得税扣缴", "荆门市地方税务局", date(2017, 3, 31), 603_455,
        Share(decoys={"harmless": 1_200, "bad_check": 30, "name_conflict": 30}),
    ),
    Kind("cremation", "遗体火化", "荆门市民政局殡葬管理所", date(2017, 5, 2), 26_311, Share(decoys={"left": 700})),
    Kind(
        "hukou", "户籍人口", "荆门市公安局治安支队", date(2017, 4, 30), 1_084_510,
        Share(decoys={"harmless": 40_000, "name_conflict": 200}),
    ),
    Kind(
        "bank_deposit", "银行存款", "荆门市农村商业银行", date(2017, 3, 31), 856_400,
        Share(decoys={"harmless": 38_000, "bad_check": 60, "name_conflict": 60}),
    ),
)  # fmt: skip

TRUE = sum(kind.share.true for kind in KINDS)
CLUES = TRUE + sum(kind.share.false for kind in KINDS)


def scaled(count: int, scale: float) -> int:
    """A count at a smaller size: at least one where there was one."""
    return max(1, round(count * scale)) if count else 0
