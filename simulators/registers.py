"""Register rows made up from a seed and a person's number: the same person always has the same car. Columns as departments write."""

from __future__ import annotations

import hashlib

__all__ = ["made_up"]


def _luck(service: str, seed: int, number: str, what: str = "") -> float:
    digest = hashlib.sha256(f"{seed}|{service}|{number}|{what}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _pick(options: tuple[str, ...], luck: float) -> str:
    return options[min(int(luck * len(options)), len(options) - 1)]


#: Service -> share of people it knows.
SHARES = {
    "business": 0.04, "disability": 0.12, "estate": 0.35, "fiscal": 0.01, "housing_fund": 0.03, "hukou": 1.0, "marriage": 0.7,
    "prison": 0.003, "social_insurance": 0.4, "tax": 0.06, "vehicle": 0.08,
}  # fmt: skip


def made_up(service: str, seed: int, number: str) -> list[dict[str, str]]:
    """Rows about one person; none for most."""
    if _luck(service, seed, number) >= SHARES.get(service, 0.0):
        return []
    draw = _luck(service, seed, number, "value")
    head = {"身份证号": number}
    rows: dict[str, dict[str, str]] = {
        "business": {"统一社会信用代码": f"92420899MA{int(draw * 1e8):08d}", "名称": "个体便民商店", "类型": "个体工商户", "职务": "经营者", "注册资本": f"{1 + int(draw * 20)}", "登记状态": _pick(("存续", "存续", "注销"), draw), "成立日期": "2014-05-06"},
        "disability": {"残疾证号": f"{number}4{1 + int(draw * 4)}", "残疾类别": _pick(("视力", "听力", "肢体", "智力", "精神"), draw), "残疾等级": str(1 + int(draw * 4)), "有效期至": "2024-12-31"},
        "estate": {"不动产权证号": f"鄂(2012)0000{int(draw * 900000):06d}号", "坐落": "测试路 1 号", "面积": f"{45 + draw * 90:.2f}", "用途": _pick(("住宅", "住宅", "商业"), draw), "权属状态": "现势", "登记日期": "2012-03-04"},
        "fiscal": {"单位": "某乡镇事务中心", "岗位": "工勤", "月工资": f"{2200 + int(draw * 1800)}.00", "人员状态": "在编"},
        "housing_fund": {"单位": "某商贸有限公司", "月缴存额": f"{200 + int(draw * 300)}.00", "缴存基数": f"{2000 + int(draw * 2000)}.00", "余额": f"{3000 + int(draw * 9000)}.00", "账户状态": "正常"},
        "hukou": {"户籍地": "湖北省荆门市", "户号": f"{int(draw * 1e9):09d}", "与户主关系": "本人", "户籍状态": "正常", "死亡日期": ""},
        "marriage": {"登记类别": "结婚", "配偶姓名": "测试配偶", "登记日期": "1995-10-01"},
        "prison": {"刑期起": "2016-01-10", "刑期止": "2020-01-09", "状态": "在押"},
        "social_insurance": {"险种": "城镇职工养老保险", "单位": "", "缴费基数": "", "月养老金": f"{900 + int(draw * 900)}.00", "参保状态": "正常发放"} if draw < 0.4 else {"险种": "城乡居民养老保险", "单位": "", "缴费基数": "", "月养老金": "", "参保状态": "参保缴费"},
        "tax": {"所得项目": "工资薪金", "年应税所得": f"{6000 + int(draw * 20000)}.00", "所属年度": "2016"},
        "vehicle": {"号牌号码": f"鄂H{int(draw * 90000) + 10000}", "车辆类型": _pick(("小型轿车", "普通二轮摩托车", "轻型普通货车"), draw), "品牌型号": "测试牌", "初次登记日期": "2013-06-07", "机动车状态": _pick(("正常", "正常", "注销"), draw)},
    }  # fmt: skip
    return [head | rows[service]] if service in rows else []
