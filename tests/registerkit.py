"""Synthetic registers: people of the imaginary county, and files as departments write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tuodi.kernel.identity import make_id

VEHICLE = ("号牌号码", "所有人", "身份证明号码", "车辆类型", "初次登记日期", "机动车状态", "购置价格")


def person(number: int) -> str:
    """The identity number of one synthetic person; never one that ends in 000."""
    return make_id(
        "420899", date(1950 + number // 9000 % 60, 1 + number // 800 % 12, 1 + number // 30 % 28), number % 99 + 1
    )


def vehicle(number: int, **changed: str) -> list[str]:
    """One row of the traffic police."""
    row = dict(
        zip(
            VEHICLE,
            [
                f"鄂H{number:05d}",
                f"张{'甲乙丙丁'[number % 4]}",
                person(number),
                "小型轿车",
                "2010/3/1",
                "正常",
                "30000",
            ],
            strict=True,
        )
    )
    row.update(changed)
    return list(row.values())


def write(path: Path, rows: Sequence[Sequence[str]], *, above: Sequence[str] = (), below: Sequence[str] = (), encoding: str = "gb18030", delimiter: str = ",", header: Sequence[str] = VEHICLE, end: str = "\r\n") -> Path:  # fmt: skip
    """A delimited file."""
    lines = [*above, delimiter.join(header), *(delimiter.join(row) for row in rows), *below]
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path
