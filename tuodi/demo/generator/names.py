"""Names as they are spread over a real roll: common surnames by frequency, compound ones, rare characters, dots.

The weights follow the published order of surnames in Hubei roughly; nobody is meant.
"""

from __future__ import annotations

from itertools import accumulate
from random import Random

__all__ = ["RARE", "given_name", "minority_name", "surname"]

SURNAMES = (
    ("李", 72), ("王", 71), ("张", 70), ("刘", 63), ("陈", 60), ("杨", 40), ("黄", 36), ("周", 35), ("胡", 27),
    ("徐", 24), ("吴", 24), ("朱", 21), ("赵", 21), ("熊", 18), ("何", 18), ("郭", 17), ("罗", 17), ("孙", 16),
    ("高", 14), ("汪", 13), ("余", 13), ("彭", 13), ("邓", 13), ("程", 12), ("万", 11), ("田", 11), ("肖", 11),
    ("马", 10), ("谢", 10), ("宋", 10), ("许", 10), ("郑", 10), ("韩", 9), ("曾", 9), ("董", 9), ("唐", 9),
    ("龚", 9), ("曹", 9), ("袁", 8), ("夏", 8), ("潘", 8), ("蔡", 8), ("沈", 7), ("魏", 7), ("丁", 7),
    ("姜", 7), ("江", 7), ("梁", 6), ("方", 6), ("石", 6), ("艾", 6), ("叶", 6), ("付", 6), ("邹", 6),
    ("任", 5), ("金", 5), ("严", 5), ("范", 5), ("苏", 5), ("雷", 5), ("全", 4), ("蒋", 4), ("邱", 4),
    ("杜", 4), ("廖", 4), ("史", 4), ("汤", 4), ("柳", 4), ("毛", 4), ("钟", 4), ("贺", 4), ("喻", 3),
    ("向", 3), ("鲁", 3), ("尹", 3), ("易", 3), ("阮", 3), ("闵", 2), ("官", 2), ("代", 2), ("单", 1.2),
    ("查", 1.2), ("仇", 1), ("解", 1), ("区", 0.5), ("覃", 2), ("翟", 1), ("乐", 1), ("盖", 0.4), ("缪", 0.5),
    ("欧阳", 1.6), ("上官", 0.5), ("司马", 0.4), ("诸葛", 0.4), ("皇甫", 0.3), ("夏侯", 0.2), ("令狐", 0.2),
    ("尉迟", 0.1), ("万俟", 0.1),
)  # fmt: skip
_SURNAMES = [name for name, _ in SURNAMES]
_CUM = list(accumulate(weight for _, weight in SURNAMES))

MALE_OLD = "国明德华建忠永正祥金文志荣平成发光学宏长万春友兴传清生福贵才善先道家昌大启厚"
FEMALE_OLD = "秀英兰珍桂芳玉凤梅莲香菊翠春云珠琴娥珍群清月华荣银花元冬秋巧淑素"
MALE_NEW = "伟强军勇涛杰鹏浩宇轩俊博文昊子豪嘉泽天梓晨阳凯磊超波刚斌辉龙飞帆航睿"
FEMALE_NEW = "丽娟敏静婷雪倩欣怡梦琪雨涵诗雅佳慧颖思瑶萌璐萱艳红燕霞玲莉蓉薇晶悦"

#: Characters that break careless software: Extension A (four bytes in GB18030), one that GBK lacks, Extension C.
RARE = "㛃䶮𬭎"

MINORITY = (
    "阿依古丽·买买提", "艾力·吐尔逊", "古丽娜尔·艾合买提", "买买提·依明", "扎西·多吉", "卓玛·次仁",
    "帕提古丽·阿不都", "热合曼·玉素甫", "吐尔逊·艾力", "阿孜古丽·沙吾提",
)  # fmt: skip


def surname(rng: Random) -> str:
    """One surname by frequency."""
    return rng.choices(_SURNAMES, cum_weights=_CUM)[0]


def given_name(rng: Random, male: bool, birth_year: int) -> str:
    """One or two characters in the fashion of the birth year; about one in 1,500 has a rare character."""
    if birth_year < 1975:
        pool = MALE_OLD if male else FEMALE_OLD
    else:
        pool = MALE_NEW if male else FEMALE_NEW
    rare = rng.random()
    first = RARE[int(rare * 4500)] if rare < 1 / 1500 else pool[int(rng.random() * len(pool))]
    if rng.random() < 0.22:
        return first
    return first + pool[int(rng.random() * len(pool))]


def minority_name(rng: Random) -> str:
    """A transcribed name with a middle dot (U+00B7)."""
    return rng.choice(MINORITY)
