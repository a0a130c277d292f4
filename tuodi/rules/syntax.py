"""Formula text to a checked syntax tree: the small subset of Python's expressions the language allows, nothing else."""

from __future__ import annotations

import ast
import unicodedata
from functools import lru_cache

__all__ = ["FUNCTIONS", "METHODS", "FormulaError", "names_in", "parse"]

FUNCTIONS = {
    "min": (2, 9), "max": (2, 9), "clip": (3, 3), "round_to": (3, 3), "payable": (1, 1), "bracket": (2, 2), "age": (1, 2),
    "months": (1, 1), "known": (1, 1), "given": (2, 2), "year": (1, 1),
}  # fmt: skip
METHODS = {"sum": (1, 1), "count": (1, 1), "any": (1, 1), "all": (1, 1), "max": (2, 2), "min": (2, 2)}
_BINARY = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_COMPARE = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)


class FormulaError(ValueError):
    """A fault in one formula; the text is Chinese and says what to write instead."""


@lru_cache(maxsize=8192)
def parse(formula: str) -> ast.expr:
    """The tree of one formula.

    Raises: FormulaError naming the first construct that is not allowed.
    """
    text = unicodedata.normalize("NFKC", formula) if not formula.isascii() else formula
    text = (
        text.replace("≤", "<=")
        .replace("≥", ">=")
        .replace("≠", "!=")
        .replace("×", "*")
        .replace("÷", "/")
        .replace("−", "-")
    )
    text = text.replace("true", "True").replace("false", "False") if ("true" in text or "false" in text) else text
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise FormulaError(f"公式读不懂（第 {error.offset or 1} 个字附近）；检查括号、运算符和多余的字") from None
    except (ValueError, RecursionError, MemoryError):
        raise FormulaError("公式太长或含有不能用的字符；拆成几条有名字的规则") from None
    if sum(1 for _ in ast.walk(tree)) > 400:
        raise FormulaError("公式太长；拆成几条有名字的规则")
    _check(tree)
    return tree


def _check(e: ast.AST) -> None:
    if isinstance(e, ast.Constant):
        if isinstance(e.value, bool):
            return None
        if isinstance(e.value, float):
            raise FormulaError(f"公式里不能写小数“{e.value}”；把它声明成参数，写明单位和条款")
        if not isinstance(e.value, int):
            raise FormulaError("公式里不能写文字；枚举值直接写名字，不加引号")
        return None
    if isinstance(e, ast.Name):
        return None
    if isinstance(e, ast.BinOp):
        if isinstance(e.op, ast.FloorDiv | ast.Mod):
            raise FormulaError("公式里没有 // 和 %；取整用 round_to(数, 单位, 方式)，付款金额用 payable(…)")
        if not isinstance(e.op, _BINARY):
            raise FormulaError("只能用 + - * / 四则运算")
        return _all(e.left, e.right)
    if isinstance(e, ast.UnaryOp):
        if isinstance(e.op, ast.Not | ast.USub):
            return _check(e.operand)
        raise FormulaError("不认识的运算符；只能用负号和 not")
    if isinstance(e, ast.BoolOp):
        return _all(*e.values)
    if isinstance(e, ast.IfExp):
        return _all(e.test, e.body, e.orelse)
    if isinstance(e, ast.Compare):
        if len(e.ops) != 1:
            raise FormulaError("比较不能连写（a < b < c）；写成 a < b and b < c")
        if not isinstance(e.ops[0], _COMPARE):
            raise FormulaError("比较只能用 == != < <= > >= in not in")
        right = e.comparators[0]
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            if not isinstance(e.ops[0], ast.In | ast.NotIn) or not all(isinstance(x, ast.Name) for x in right.elts):
                raise FormulaError("方括号里只能列枚举值，用于 in 和 not in")
            return _check(e.left)
        return _all(e.left, right)
    if isinstance(e, ast.Subscript):
        if not isinstance(e.value, ast.Name | ast.Attribute):
            raise FormulaError("方括号只能跟在参数名后面")
        _check(e.value)
        keys = e.slice.elts if isinstance(e.slice, ast.Tuple) else [e.slice]
        return _all(*keys)
    if isinstance(e, ast.Attribute):
        if isinstance(e.value, ast.Name):
            return None
        raise FormulaError("点号只能写成 项目.名字 或 集合.sum(…)")
    if isinstance(e, ast.Call):
        if e.keywords or any(isinstance(a, ast.Starred) for a in e.args):
            raise FormulaError("函数的参数依次写，不写名字")
        if isinstance(e.func, ast.Name):
            table, name = FUNCTIONS, e.func.id
        elif isinstance(e.func, ast.Attribute) and isinstance(e.func.value, ast.Name):
            table, name = METHODS, e.func.attr
        else:
            raise FormulaError("不能这样调用；函数见 docs/rule-language.md 第 2 节")
        if name not in table:
            raise FormulaError(f"没有“{name}”这个函数；可用: {'、'.join(table)}")
        low, high = table[name]
        if not low <= len(e.args) <= high:
            need = f"{low}" if low == high else f"{low} 到 {high}"
            raise FormulaError(f"{name}(…) 要 {need} 个参数，这里是 {len(e.args)} 个")
        return _all(*e.args)
    if isinstance(e, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        raise FormulaError("公式里没有推导式；对成员汇总写 members.sum(…)、members.count(…)、members.any(…)")
    raise FormulaError(f"公式里不能用“{ast.unparse(e)[:40]}”这种写法；可用的见 docs/rule-language.md 第 2 节")


def _all(*parts: ast.AST) -> None:
    for part in parts:
        _check(part)


def names_in(tree: ast.expr) -> list[str]:
    """Every name and dotted name the formula mentions, in order of appearance, functions and methods left out."""
    out: list[str] = []

    def walk(e: ast.AST) -> None:
        if isinstance(e, ast.Call):
            if isinstance(e.func, ast.Attribute) and isinstance(e.func.value, ast.Name):
                out.append(e.func.value.id)
            for arg in e.args:
                walk(arg)
            return
        if isinstance(e, ast.Attribute) and isinstance(e.value, ast.Name):
            out.append(f"{e.value.id}.{e.attr}")
            return
        if isinstance(e, ast.Name):
            out.append(e.id)
            return
        for child in ast.iter_child_nodes(e):
            walk(child)

    walk(tree)
    return out
