"""Planted faults: each must stop the load with its file, its line and a sentence a clerk can act on.

`# <<` marks the line a fault must point to.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from enginekit import ROUNDING, WORDS, book_of, indent, read

from tuodi.policy.faults import PolicyErrors
from tuodi.policy.load import read_book
from tuodi.rules import load_book
from tuodi.rules.cases import run_cases
from tuodi.rules.check import check_habits

T = "pack: {place: cn, programme: t}\n"
STANDARD = "standard: {label: 标准, unit: 元/人·月, by: [area_kind]}\n"


def parameters(text: str, head: str = T) -> str:
    return f"{head}parameters:\n{indent(text)}\n"


def rules(text: str, extra: str = ROUNDING) -> str:
    return f"{T}parameters:\n{indent(extra)}\nrules:\n{indent(text)}\n"


def one(formula: str, unit: str = "元/月", more: str = "", extra: str = ROUNDING) -> str:
    """A single rule `r` whose formula is at fault."""
    return rules(f'r: {{label: 甲, unit: "{unit}", clause: DC{more}, formula: "{formula}"}}  # <<', extra)


WORDS_AND_FILES = {
    "fixed amount with too long a code": ("pack: {place: cn, programme: very_long_support_name}\nenums: {kinds: {label: 类, values: {a: 甲}}}\nparameters:\n  support: {label: 补助, unit: 元/人·月, by: [kinds]}  # <<\n", "very_long_support_name", "有 22 个字符，最多 16 个", "请改短"),
    "duplicate key": (T + "parameters:\n  a: {label: 甲, unit: 元, value: 1, clause: DC}\n  a: {label: 甲, unit: 元, value: 2, clause: DC}  # <<\n", "键“a”重复", "前一处在第 3 行", "合并或改名"),
    "duplicate key in one mapping": (parameters("a: {label: 甲, unit: 元, value: 1, value: 2, clause: DC}  # <<"), "键“value”重复"),
    "unknown key": (parameters("a: {label: 甲, unit: 元, vlaue: 1, value: 1, clause: DC}  # <<"), "没有“vlaue”这一项", "是否想写“value”"),
    "unknown block": (T + "parametres: {}  # <<\n", "没有“parametres”这一块", "是否想写“parameters”"),
    "yaml syntax": (T + "parameters:\n  a: {label: 甲, unit: 元\n  b: 1  # <<\n rules: [\n", "YAML 写法有误", "检查缩进"),
    "tab in yaml": (T + "parameters:\n\ta: 1  # <<\n", "YAML 写法有误"),
    "file that is a list": ("- a  # <<\n- b\n", "文件应是“键: 值”的映射"),
    "pack of no place": ("pack: {place: 荆门, programme: t}  # <<\n", "pack 的 place 是“荆门”", "420802"),
    "programme that is no name": ("pack: {place: cn, programme: 低保}  # <<\n", "programme“低保”不能用"),
    "instrument without title": (T + "instruments:\n  X: {number: 1号}  # <<\n", "文件“X”缺少“title”"),
    "instrument of unknown kind": (T + "instruments:\n  X: {title: 甲, number: 1号, kind: rumour}  # <<\n", "“rumour”", "reported"),
    "instrument with impossible date": (T + "instruments:\n  X: {title: 甲, number: 1号, issued: 去年}  # <<\n", "“issued”应是日期"),
    "instrument on a day that does not exist": (T + "instruments:\n  X: {title: 甲, number: 1号, issued: 2021-02-30}  # <<\n", "不存在的日期“2021-02-30”"),
    "area with a wrong code": (T + "places:\n  Z1: {name: 某区, parent: \"4208\"}  # <<\n", "标准区域“Z1”的代码", "4208Z1"),
    "enum without values": (T + "enums:\n  kinds: {label: 类}  # <<\n", "枚举“kinds”缺少 values"),
    "enum value that is no name": (T + "enums:\n  kinds: {label: 类, values: {60岁以上: 老}}  # <<\n", "“60岁以上”", "小写字母"),
    "fact of unknown type": (T + "facts:\n  household:\n    f: {type: mony, unit: 元, label: 甲}  # <<\n", "类型“mony”不认识", "是否想写“money”"),
    "fact on unknown level": (T + "facts:\n  member:\n    f: {type: bool, label: 甲}  # <<\n", "级别“member”没有声明", "是否想写“members”"),
    "money fact without unit": (T + "facts:\n  household:\n    f: {type: money, label: 甲}  # <<\n", "事实“f”是金额", "缺少 unit"),
    "fact without label": (T + "facts:\n  household:\n    f: {type: bool}  # <<\n", "事实“f”缺少“label”"),
    "fact with a bound that is no number": (T + "facts:\n  household:\n    f: {type: money, unit: 元, label: 甲, max: 很多}  # <<\n", "“max”不是数", "很多"),
    "fact with bounds crossed": (T + "facts:\n  household:\n    f: {type: number, unit: 人, label: 甲, min: 9, max: 3}  # <<\n", "min", "大于 max"),
    "fact declared twice": (
        T
        + "facts:\n  household:\n    f: {type: bool, label: 甲}\n---\npack: {place: '42'}\nfacts:\n  household:\n    f: {type: bool, label: 乙}  # <<\n",
        "事实“f”重复声明",
        "前一处在",
    ),
    "fact with an impossible default": (T + "facts:\n  household:\n    f: {type: area_kind, label: 甲, missing: town}  # <<\n", "missing", "“town”"),
    "fact from an unknown source": (T + "facts:\n  household:\n    f: {type: bool, label: 甲, source: hearsay}  # <<\n", "“source”", "“hearsay”"),
    "keyword as a name": (T + "facts:\n  household:\n    class: {type: bool, label: 甲}  # <<\n", "“class”", "保留字"),
    "builtin as a name": (T + "facts:\n  household:\n    age: {type: bool, label: 甲}  # <<\n", "“age”", "已有的函数"),
    "collection below nothing": (T + "collections:\n  pets: {of: homes, label: 宠物}  # <<\n", "集合“pets”属于“homes”", "没有这个级别"),
    "missing label": (parameters("a: {unit: 元, by: [area_kind]}  # <<"), "缺少“label”"),
    "missing unit": (parameters("a: {label: 甲, value: 1, clause: DC}  # <<"), "参数“t.a”缺少“unit”"),
    "unknown unit": (parameters("a: {label: 甲, unit: 元/头, value: 1, clause: DC}  # <<"), "单位“元/头”", "不认识“头”"),
    "parameter nobody declared": (parameters("a: {value: 1, clause: DC}  # <<"), "没有参数“t.a”", "label 和 unit"),
    "parameter declared twice": (parameters("a: {label: 甲, unit: 元, value: 1, clause: DC}") + "---\n" + parameters("a: {label: 甲, unit: 元, values: []}  # <<"), "已在", "声明"),
    "missing clause": (parameters("a: {label: 甲, unit: 元, value: 3000}  # <<"), "参数“t.a”的值 3000 没有条款", "value: null"),
    "unknown instrument": (parameters("a: {label: 甲, unit: 元, value: 1, clause: 58-3}  # <<"), "条款“58-3”没有对应的文件", "instruments"),
    "value that is no number": (parameters("a: {label: 甲, unit: 元, value: 五百, clause: DC}  # <<"), "值“五百”不是数"),
    "value with its unit in it": (parameters("a: {label: 甲, unit: 元, value: 500元, clause: DC}  # <<"), "值“500元”不是数", "unit"),
    "value that is a list": (parameters("a: {label: 甲, unit: 元, value: [1, 2], clause: DC}  # <<"), "应是一个数"),
    "value and values": (parameters("a: {label: 甲, unit: 元, value: 1, clause: DC, values: []}  # <<"), "同时写了 value 和 values"),
    "impossible date": (parameters("a: {label: 甲, unit: 元, value: 1, clause: DC, from: 2021-02-29}  # <<"), "不存在的日期“2021-02-29”"),
    "date in words": (parameters("a: {label: 甲, unit: 元, value: 1, clause: DC, from: 2021年4月}  # <<"), "年-月-日", "2021年4月"),
    "year nought": (parameters("a: {label: 甲, unit: 元, value: 1, clause: DC, from: \"0000\"}  # <<"), "不存在的日期“0000”"),
    "end before start": (parameters("a: {label: 甲, unit: 元, value: 1, clause: DC, from: 2021-05-01, to: 2021-04-30}  # <<"), "早于 from"),
    "unknown enum key": (parameters(STANDARD) + "---\npack: {place: \"4208\", programme: t}\nparameters:\n  standard:\n    values:\n      - {area_kind: 城镇, value: 1, clause: DC}  # <<\n", "按 area_kind 取值", "“城镇”", "urban、rural"),
    "key enum that is not declared": (parameters("a: {label: 甲, unit: 元, by: [area_kid], value: 1, clause: DC}  # <<"), "没有这个枚举", "是否想写“area_kind”"),
    "dimension mismatch": (parameters(STANDARD) + "---\npack: {place: \"4208\", programme: t}\nparameters:\n  standard:\n    values:\n      - {area_kind: urban, unit: 元, value: 1, clause: DC}  # <<\n", "单位是 元/人·月", "这里写 元", "量纲不同"),
    "overlapping values": (parameters(STANDARD) + "---\npack: {place: \"420802\", programme: t}\nparameters:\n  standard:\n    values:\n      - {area_kind: urban, from: 2021-01-01, value: 1, clause: DC}\n      - {area_kind: urban, from: 2021-01-01, value: 2, clause: DC}  # <<\n", "参数“t.standard”在 420802 从 2021-01-01 起有两个值", "另一处"),
    "ended value overlapped": (parameters(STANDARD) + "---\npack: {place: \"420802\", programme: t}\nparameters:\n  standard:\n    values:\n      - {area_kind: urban, from: 2021-01-01, to: 2021-12-31, value: 1, clause: DC}\n      - {area_kind: urban, from: 2021-06-01, value: 2, clause: DC}  # <<\n", "时间重叠"),
    "value for an unknown place": (parameters(STANDARD) + "---\npack: {place: \"4208\", programme: t}\nparameters:\n  standard:\n    values:\n      - {place: \"420877\", area_kind: urban, value: 1, clause: DC}  # <<\n", "地区“420877”不在区划表里"),
    "value for a place outside the pack": (parameters(STANDARD) + "---\npack: {place: \"4208\", programme: t}\nparameters:\n  standard:\n    values:\n      - {place: \"420102\", area_kind: urban, value: 1, clause: DC}  # <<\n", "“420102”", "不在 4208 之下"),
    "switch that is no switch": (parameters("a: {label: 甲, unit: 是否, value: 1, clause: DC}  # <<"), "是否开关", "true 或 false"),
    "choice outside its enum": (parameters("a: {label: 甲, unit: 枚举, of: outcome, value: stopped, clause: DC}  # <<"), "“stopped”不在枚举 outcome 里", "是否想写“stop”"),
    "choice without its enum": (parameters("a: {label: 甲, unit: 枚举, value: stop, clause: DC}  # <<"), "缺少 of"),
    "set with an unknown member": (parameters("a: {label: 甲, unit: 集合, of: income_kind, value: [wage, aids], clause: DC}  # <<"), "“aids”不在枚举 income_kind 里", "是否想写“aid”"),
    "set that is no list": (parameters("a: {label: 甲, unit: 集合, of: income_kind, value: wage, clause: DC}  # <<"), "是集合", "[a, b]"),
    "table not ascending": (parameters("a: {label: 甲, unit: 元, table: 项, value: [[4, 1], [1, 2]], clause: DC}  # <<"), "从小到大"),
    "table row with three columns": (parameters("a: {label: 甲, unit: 元, table: 项, value: [[4, 1, 2]], clause: DC}  # <<"), "每行写成 [下限, 值]"),
    "table end that is no number": (parameters("a: {label: 甲, unit: 元, table: 项, value: [[四, 1]], clause: DC}  # <<"), "下限“四”不是数"),
    "table with unknown end word": (parameters("a: {label: 甲, unit: 元, table: 项, ends: 大于, value: [[4, 1]], clause: DC}  # <<"), "“ends”是“大于”", "以上、超过"),
    "rule without formula": (rules("r: {label: 甲, unit: 元, clause: DC}  # <<"), "规则“t.r”缺少“formula”"),
    "rule without clause": (rules('r: {label: 甲, unit: 元, formula: "0"}  # <<'), "规则“t.r”缺少“clause”"),
    "rule without label": (rules('r: {unit: 元, clause: DC, formula: "0"}  # <<'), "规则“t.r”缺少 label"),
    "rule without unit": (rules('r: {label: 甲, clause: DC, formula: "0"}  # <<'), "规则“t.r”", "缺少 unit"),
    "rule of an unknown instrument": (rules('r: {label: 甲, unit: 元, clause: 75-3, formula: "0"}  # <<'), "条款“75-3”没有对应的文件"),
    "test without reason": (rules('r: {label: 甲, unit: 是否, clause: DC, role: test, formula: "true"}  # <<'), "缺少 reason"),
    "unknown role": (rules('r: {label: 甲, unit: 是否, clause: DC, role: tset, formula: "true"}  # <<'), "“role”是“tset”", "是否想写“test”"),
    "rule versions overlapping": (rules('r:\n  - {label: 甲, unit: 元, clause: DC, to: 2021-07-01, formula: "0"}\n  - {label: 甲, unit: 元, clause: DC, from: 2021-07-01, formula: "0"}  # <<'), "规则“t.r”在 cn 从 2021-07-01 起有两个写法或时间重叠"),
    "override changing unit": (rules('r: {label: 甲, unit: 元, clause: DC, formula: "0"}') + "---\npack: {place: \"42\", programme: t}\nrules:\n  r: {unit: 元/月, clause: DC, formula: \"0\"}  # <<\n", "单位原为 元", "不能改成 元/月"),
    "override changing level": (rules('r: {label: 甲, unit: 元, clause: DC, formula: "0"}') + "---\npack: {place: \"42\", programme: t}\nrules:\n  r: {level: members, clause: DC, formula: \"0\"}  # <<\n", "级别原为 household", "不能改成 members"),
    "amended text is gone": (rules('r: {label: 甲, unit: 元, clause: 57-14, formula: "0"}') + "---\npack: {place: \"42\", programme: t}\nrules:\n  r: {clause: DC, amends: 57-13, formula: \"0\"}  # <<\n", "写明修改 57-13", "上级文本可能已更换"),
    "rule on an unknown level": (rules('r: {level: persons, label: 甲, unit: 元, clause: DC, formula: "0"}  # <<'), "级别“persons”没有声明"),
    "programme pointing at no rule": (T + "rules:\n  ok: {label: 甲, unit: 是否, clause: DC, formula: assets_ok}\nprogramme: {label: 项目, eligible: okk}  # <<\n", "项目“t”的 eligible 指向规则“t.okk”", "是否想写“t.ok”"),
    "programme whose amount is not payable": (rules('ok: {label: 甲, unit: 是否, clause: DC, formula: assets_ok}\nsum: {label: 乙, unit: 元/月, clause: DC, formula: "rigid"}') + "programme: {label: 项目, eligible: ok, amount: sum}  # <<\n", "金额规则“t.sum”没有 role: payable"),
    "programme whose test is not yes or no": (rules('ok: {label: 甲, unit: 元/月, clause: DC, formula: "rigid"}') + "programme: {label: 项目, eligible: ok}  # <<\n", "eligible", "“t.ok”", "是否"),
    "programme for an unknown unit": (rules("ok: {label: 甲, unit: 是否, clause: DC, formula: assets_ok}") + "programme: {label: 项目, eligible: ok, unit: family}  # <<\n", "unit“family”不是级别"),
    "programme outside a programme": ("pack: {place: cn}\nprogramme: {label: 项目, eligible: ok}  # <<\n", "pack 带 programme"),
    "programme without eligible": (T + "programme: {label: 项目}  # <<\n", "缺少“eligible”"),
    "case without on": (rules('r: {label: 甲, unit: 元, clause: DC, formula: "0"}') + "cases:\n  - {id: C1, name: 例, family: {}, expect: {r: 0}}  # <<\n", "算例“C1”缺少 on"),
    "case without expect": (rules('r: {label: 甲, unit: 元, clause: DC, formula: "0"}') + "cases:\n  - {id: C1, name: 例, on: 2021-01-01, family: {}}  # <<\n", "算例“C1”没有 expect"),
    "case given twice": (rules('r: {label: 甲, unit: 元, clause: DC, formula: "0"}') + "cases:\n  - {id: C1, name: 例, on: 2021-01-01, family: {}, expect: {r: 0}}\n  - {id: C1, name: 例, on: 2021-01-01, family: {}, expect: {r: 0}}  # <<\n", "算例编号“C1”重复"),
    "case in a month that does not exist": (rules('r: {label: 甲, unit: 元, clause: DC, formula: "0"}') + "cases:\n  - {id: C1, name: 例, on: 2021-01-01, month: 2021-13, family: {}, expect: {r: 0}}  # <<\n", "算例“C1”", "month", "2021-13"),
}  # fmt: skip

FORMULAS = {
    "syntax": (one("rigid +"), "公式读不懂"),
    "unknown name": (one("incme_year", "元/年"), "没有“incme_year”这个名字", "是否想写“income_year”"),
    "unit mismatch in a sum": (one("rigid + k"), "“rigid”和“k”两边单位不同", "元/月 与 人"),
    "unit mismatch in a comparison": (one("rigid < k", "是否"), "两边单位不同"),
    "unit mismatch in a branch": (one("rigid if assets_ok else k"), "两边单位不同"),
    "unit mismatch in min": (one("min(rigid, k)"), "两边单位不同"),
    "unit of the result": (one("income_year", "元/人·月"), "公式得到的单位是 元/月", "规则写的是 元/人·月"),
    "bare number where yuan is asked": (one("rigid + 100"), "两边单位不同", "比例"),
    "divisor that may be zero": (one("rigid / k", "元/人·月"), "除数“k”可能是 0", "if k > 0 else"),
    "guard on the wrong name": (one("rigid / k if x > 0 else 0", "元/人·月"), "除数“k”可能是 0"),
    "guard in the wrong branch": (one("0 if k > 0 else rigid / k", "元/人·月"), "除数“k”可能是 0"),
    "guard joined with or": (one("rigid / k if k > 0 or assets_ok else 0", "元/人·月"), "除数“k”可能是 0"),
    "division by nought": (one("rigid / 0"), "除数是 0"),
    "decimal literal": (one("rigid * 0.3"), "不能写小数“0.3”", "声明成参数"),
    "payable with a fraction": (one("income_year / 7", "元/月", ", role: payable"), "应付金额还带着分数", "payable(...)"),
    "rounding what may be negative": (one("payable(rigid - amount)"), "取整的数“rigid - amount”可能为负", "max(…, 0)"),
    "wrong level": (one("share"), "“share”在 members 一级", "这里是 household", "members.sum"),
    "sum of another level": (one("incomes.sum(item)"), "incomes 属于 members 一级"),
    "overflow": (one("amount * amount * amount * amount / 7", "元/月"), "中间结果可能达到", "超过 2^63", "max"),
    "ambiguous name": (one("rigid", "元/月", extra=ROUNDING + "rigid: {label: 甲, unit: 元/月, value: 1, clause: DC}"), "“rigid”既是household 的事实又是参数“t.rigid”", "分不清"),
    "rule of the same name as a fact": (rules('share: {label: 甲, unit: 元/月, clause: DC, formula: rigid}\nr: {level: members, label: 甲, unit: 元/月, clause: DC, formula: share}  # <<'), "“share”既是members 的事实又是规则“t.share”"),
    "unknown function": (one("abs(rigid)"), "没有“abs”这个函数", "可用"),
    "unknown method": (one("members.avg(share)"), "没有“avg”这个函数", "sum"),
    "unknown collection": (one("member.sum(share)"), "没有集合“member”", "是否想写“members”"),
    "too few arguments": (one("clip(rigid, amount)"), "clip(…) 要 3 个参数", "这里是 2 个"),
    "too many arguments": (one("payable(rigid, amount)"), "payable(…) 要 1 个参数"),
    "maximum without default": (one("members.max(share)"), "max(…) 要 2 个参数"),
    "named argument": (one("max(rigid, b=amount)"), "参数依次写"),
    "comprehension": (one("sum([m for m in members])"), "没有“sum”这个函数"),
    "bare comprehension": (one("[m for m in members]"), "没有推导式", "members.sum"),
    "string": (one("rigid if state == 'stop' else 0"), "不能写文字"),
    "attribute of a value": (one("(rigid).real.imag"), "点号只能写成"),
    "chained comparison": (one("0 < k < 5", "是否"), "比较不能连写", "a < b and b < c"),
    "floor division": (one("rigid // 2"), "没有 // 和 %", "round_to"),
    "remainder": (one("rigid % 2"), "没有 // 和 %"),
    "power": (one("rigid ** 2"), "四则运算"),
    "lambda": (one("(lambda: 1)()"), "不能这样调用"),
    "identity": (one("assets_ok is true", "是否"), "比较只能用"),
    "cycle of two": (rules('x1: {label: 甲, unit: 元/月, clause: DC, formula: x2}  # <<\nx2: {label: 乙, unit: 元/月, clause: DC, formula: x1}'), "规则互相引用成环", "t.x1 → t.x2 → t.x1"),
    "cycle of one": (one("r + rigid"), "规则互相引用成环", "t.r → t.r"),
    "keyed parameter without its key": (one("standard", "元/月", extra=ROUNDING + STANDARD), "参数“t.standard”按 area_kind 取值", "standard[area_kind]"),
    "keyed parameter with a wrong key": (one("standard[state]", "元/月", extra=ROUNDING + STANDARD), "按 area_kind 取值", "枚举 outcome"),
    "key that is no value": (one("standard[urbane]", "元/月", extra=ROUNDING + STANDARD), "没有“urbane”这个名字"),
    "key for a parameter without": (one("rate_[area_kind]", "比例", extra=ROUNDING + "rate_: {label: 甲, unit: \"%\", value: 10, clause: DC}"), "参数“t.rate_”按 无键 取值"),
    "look-up of no parameter": (one("rigid[area_kind]"), "“rigid”不是可以按键取值的参数"),
    "text fact in a formula": (rules('r: {level: members, label: 甲, unit: 是否, clause: DC, formula: known(memo)}  # <<'), "“memo”是文字"),
    "enum compared by size": (one("state < grace", "是否"), "枚举值只能比较相等"),
    "enums of two kinds compared": (one("state == area_kind", "是否"), "不能比较"),
    "value of another enum": (one("state in [urban]", "是否"), "“urban”不在枚举 outcome 里"),
    "set of another enum": (one("state in kinds", "是否", extra=ROUNDING + "kinds: {label: 甲, unit: 集合, of: income_kind, value: [wage], clause: DC}"), "in 右边应是枚举 outcome 的集合"),
    "membership of a number": (one("k in [urban]", "是否"), "in 左边应是枚举值"),
    "set used as a value": (one("kinds", "是否", extra=ROUNDING + "kinds: {label: 甲, unit: 集合, of: income_kind, value: [wage], clause: DC}"), "集合"),
    "table used as a number": (one("tab", "元/月", extra=ROUNDING + "tab: {label: 甲, unit: 元/月, table: 项, value: [[1, 2]], clause: DC}"), "分档表", "bracket(tab"),
    "table by another unit": (one("bracket(tab, rigid)", "元/月", extra=ROUNDING + "tab: {label: 甲, unit: 元/月, table: 项, value: [[1, 2]], clause: DC}"), "按 项 分档", "元/月"),
    "bracket without a table": (one("bracket(rigid, k)"), "不是分档表参数"),
    "round to a fact": (one("round_to(rigid, amount, half_up)"), "不是取整单位"),
    "round in an unknown way": (one("round_to(rigid, pay_unit, nearest)"), "不是取整方式"),
    "payable without a mode": (T + "rules:\n  r: {label: 甲, unit: 元/月, clause: DC, formula: payable(rigid)}  # <<\n", "“pay_unit”不是取整单位"),
    "number where yes or no is asked": (one("rigid and assets_ok", "是否"), "应是是否判断"),
    "yes or no in a sum": (one("rigid + assets_ok"), "应是数"),
    "condition that is a number": (one("rigid if k else 0"), "if 后面的条件"),
    "branches of two kinds": (one("rigid if assets_ok else assets_ok"), "if 两个分支"),
    "yes or no rule with a number": (one("rigid", "是否"), "公式得到的是数", "是否"),
    "money rule with yes or no": (one("assets_ok", "元/月"), "公式得到的是是否"),
    "age of a number": (one("age(k)", "岁"), "age 里", "日期"),
    "days subtracted": (one("case_date - month_end", "日"), "日期不能相减", "months"),
    "unknown unit of a rule": (one("rigid", "元/头"), "单位“元/头”", "不认识“头”"),
    "count of a number": (one("members.count(share)", "人"), "members.count 里应是是否判断"),
    "given of two kinds": (one("given(k, assets_ok)", "人"), "given 的默认值"),
    "negative on yes or no": (one("-assets_ok", "是否"), "负号后面"),
    "formula too long": (one(" + ".join(["rigid"] * 300)), "公式太长"),
    "none fact as a value": (one("months(paid_until) - month_no", "月"), "“paid_until”", "known(paid_until)"),
}  # fmt: skip

FAULTS = {**WORDS_AND_FILES, **FORMULAS}


def _marked_line(text: str) -> int:
    lines = [i for i, line in enumerate(text.splitlines(), 1) if "# <<" in line]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_reported_on_its_line_with_what_to_do(tmp_path: Path, name: str) -> None:
    text, *words = FAULTS[name]
    _, faults = read(tmp_path, text)
    hits = [f for f in faults if all(w in f.message for w in words)]
    assert hits, "\n".join(map(str, faults)) or "没有报错"
    assert hits[0].file.endswith("p1.yaml")
    assert hits[0].severity == "error"
    assert _marked_line(text) in [f.line for f in hits], [str(f) for f in hits]


@pytest.mark.parametrize("name", FAULTS)
def test_one_planted_fault_brings_no_crowd(tmp_path: Path, name: str) -> None:
    """A single slip gives at most two sentences: nobody finds one cause among twenty."""
    _, faults = read(tmp_path, FAULTS[name][0])
    assert len(faults) <= 2, "\n".join(map(str, faults))


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    """Ten slips in two files are ten sentences in one run, sorted by file and line."""
    first = parameters(
        "a: {label: 甲, unit: 元, vlaue: 1, value: 1, clause: DC}\n"
        "b: {label: 乙, unit: 元/头, value: 1, clause: DC}\n"
        "c: {label: 丙, unit: 元, value: 三百, clause: DC}\n"
        "d: {label: 丁, unit: 元, value: 300}\n"
        "e: {label: 戊, unit: 元, value: 1, clause: 无此文件-3}\n"
        "f: {label: 己, unit: 元, value: 1, clause: DC, from: 2021-13-01}"
    )
    second = rules(
        'r1: {label: 甲, unit: 元/月, clause: DC, formula: "rigid + k"}\n'
        'r2: {label: 乙, unit: 元/月, clause: DC, formula: "rigd"}\n'
        'r3: {label: 丙, unit: 元/月, clause: DC, formula: "rigid * 0.5"}\n'
        'r4: {label: 丁, unit: 元/月, clause: DC, formula: "rigid /"}'
    )
    _, faults = read(tmp_path, first, second)
    found = [(f.file.rsplit("/")[-1], f.line) for f in faults]
    assert found == [("p1.yaml", n) for n in (3, 4, 5, 6, 7, 8)] + [("p2.yaml", n) for n in (6, 7, 8, 9)]


def test_a_fault_of_one_rule_is_not_repeated_by_rules_that_rest_on_it(tmp_path: Path) -> None:
    text = rules(
        'r1: {label: 甲, unit: 元/月, clause: DC, formula: "rigd"}  # <<\n'
        'r2: {label: 乙, unit: 元/月, clause: DC, formula: "r1 + rigid"}\n'
        'r3: {label: 丙, unit: 是否, clause: DC, formula: "r2 > rigid and members.any(r1 > 0)"}'
    )
    _, faults = read(tmp_path, text)
    assert [f.line for f in faults] == [_marked_line(text)]


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "a.yaml").write_bytes("pack: {place: cn}\nnote: 说明\n".encode() + "note2: 低保".encode("gb18030"))
    _, faults = read_book([folder])
    assert [(f.file, f.line) for f in faults] == [("p/a.yaml", 3)]
    assert "不是 UTF-8" in faults[0].message
    assert "另存为 UTF-8" in faults[0].message


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "a.yaml").write_bytes("\ufeffpack: {place: cn}\nnote: 说明\n".encode())
    assert read_book([folder])[1] == []


def test_load_book_raises_with_every_fault_and_reads_like_a_compiler(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "a.yaml").write_text("pack: {place: cn}\nenumz: {}\nfactz: {}\n", encoding="utf-8")
    with pytest.raises(PolicyErrors) as caught:
        load_book([folder])
    assert str(caught.value).splitlines()[0].startswith("p/a.yaml:2: ")
    assert len(caught.value.faults) == 2


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(PolicyErrors, match="没有这个文件夹"):
        load_book([tmp_path / "nowhere"])


def test_a_case_that_does_not_come_out_says_what_came_out(tmp_path: Path) -> None:
    text = (
        rules('r: {label: 甲, unit: 元/月, clause: DC, formula: "rigid + rigid"}')
        + "cases:\n  - {id: C1, name: 例, on: 2021-01-01, family: {household: {area_kind: urban, rigid: 3.5}}, expect: {r: 8}}\n"
        + "  - {id: C2, name: 例, on: 2021-01-01, family: {household: {area_kind: urban, rigid: 3.5}}, expect: {nothing: 8}}\n"
        + "  - {id: C3, name: 例, on: 2021-01-01, family: {household: {area_kind: urban, rigidd: 3.5}}, expect: {r: 8}}\n"
    )
    faults = run_cases(book_of(tmp_path, text))
    assert [f.line for f in faults] == [8, 9, 10]
    assert "r 应为 8，算得 7.00 元" in faults[0].message
    assert "没有规则 t.nothing" in faults[1].message
    assert "是否想写“rigid”" in faults[2].message


# ---- warnings: the book loads, and says what looks forgotten


def _warnings(tmp_path: Path, *documents: str) -> list[str]:
    book = book_of(tmp_path, *documents)
    return [f"{f.file.rsplit('/')[-1]}:{f.line} {f.message}" for f in check_habits(book)]


def test_a_fact_a_rule_and_a_parameter_nobody_uses_are_warned_of(tmp_path: Path) -> None:
    text = rules(
        'used: {label: 甲, unit: 元/月, clause: DC, formula: "rigid"}\nlost: {label: 乙, unit: 元/月, clause: DC, formula: "used"}',
        "idle: {label: 丙, unit: 元, value: 1, clause: DC}",
    )
    found = _warnings(tmp_path, text)
    assert any(w.startswith("p1.yaml:6 规则“t.lost”没有") for w in found)
    assert any(w.startswith("p1.yaml:3 参数“t.idle”没有规则用到") for w in found)
    assert any("事实“assets_ok”（财产符合规定）没有规则用到" in w for w in found)
    assert not any("t.used" in w or "rigid" in w or "memo" in w for w in found)


def test_a_pack_without_a_case_is_warned_of_and_one_with_a_case_is_not(tmp_path: Path) -> None:
    nation = parameters(STANDARD)
    nation += 'rules:\n  r: {label: 甲, unit: 元/人·月, clause: DC, formula: "standard[area_kind]"}\n'
    city = (
        '---\npack: {place: "4208", programme: t}\nparameters:\n  standard: {area_kind: urban, value: 1, clause: DC}\n'
    )
    case = 'cases:\n  - {id: C1, name: 例, on: 2021-01-01, place: "%s", family: {household: {area_kind: urban}}, expect: {r: 1}}\n'

    def about(text: str) -> list[str]:
        return [w.split(" ", 1)[1][:6] for w in _warnings(tmp_path, text) if "没有算例" in w]

    assert sorted(about(nation + city)) == ["4208 的", "cn 的 t"]
    assert about(nation + city + case % "420802") == []
    assert about(nation + city + case % "4209") == ["4208 的"]


def test_a_threshold_with_examples_on_one_side_is_warned_of(tmp_path: Path) -> None:
    text = T + 'rules:\n  r: {label: 甲, unit: 是否, clause: DC, role: test, reason: 不行, formula: "k < 5"}\n'
    case = "  - {id: C%s, name: 例, on: 2021-01-01, family: {household: {area_kind: urban, k: %s}}, expect: {r: %s}}\n"
    assert any("t.r”没有“符合和不符合”" in w for w in _warnings(tmp_path, text))
    assert any("t.r”没有“不符合”" in w for w in _warnings(tmp_path, text + "cases:\n" + case % (1, 4, "pass")))
    both = text + "cases:\n" + case % (1, 4, "pass") + case % (2, 5, "fail")
    assert not any("界线" in w for w in _warnings(tmp_path, both))


def test_a_nearer_value_older_than_a_farther_one_is_warned_of(tmp_path: Path) -> None:
    nation = parameters(STANDARD)
    city = '---\npack: {place: "4208", programme: t}\nparameters:\n  standard: {area_kind: urban, from: 2022-01-01, value: 700, clause: DC}\n'
    town = '---\npack: {place: "420802", programme: t}\nparameters:\n  standard: {area_kind: %s, from: %s, value: 550, clause: DC}\n'
    old = [w for w in _warnings(tmp_path, nation + city + town % ("urban", "2018-01-01")) if "忘了更新" in w]
    assert len(old) == 1
    assert "420802 仍用 2018-01-01 起的 550，而 4208 从 2022-01-01 起是 700" in old[0]
    assert not any("忘了更新" in w for w in _warnings(tmp_path, nation + city + town % ("rural", "2018-01-01")))
    assert not any("忘了更新" in w for w in _warnings(tmp_path, nation + city + town % ("urban", "2023-01-01")))


def test_warnings_do_not_stop_the_load_and_stay_with_the_book(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "w.yaml").write_text(WORDS, encoding="utf-8")
    (folder / "a.yaml").write_text(one("rigid"), encoding="utf-8")
    book = load_book([folder])
    assert any("t.r" in str(w) and w.severity == "warning" and "提醒" in str(w) for w in book.warnings)
