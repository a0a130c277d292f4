"""Chinese surnames that need a table: compound ones, and ones read differently as a surname."""

from __future__ import annotations

__all__ = ["COMPOUND", "READINGS", "split_name"]

#: Two-character surnames and how they are read.
COMPOUND: dict[str, str] = {
    "欧阳": "ou yang", "司马": "si ma", "上官": "shang guan", "诸葛": "zhu ge", "东方": "dong fang",
    "皇甫": "huang fu", "尉迟": "yu chi", "公孙": "gong sun", "令狐": "ling hu", "慕容": "mu rong",
    "宇文": "yu wen", "长孙": "zhang sun", "司徒": "si tu", "司空": "si kong", "夏侯": "xia hou",
    "端木": "duan mu", "独孤": "du gu", "南宫": "nan gong", "东郭": "dong guo", "西门": "xi men",
    "百里": "bai li", "呼延": "hu yan", "申屠": "shen tu", "太史": "tai shi", "闻人": "wen ren",
    "轩辕": "xuan yuan", "澹台": "tan tai", "濮阳": "pu yang", "淳于": "chun yu", "单于": "chan yu",
    "公冶": "gong ye", "宗政": "zong zheng", "赫连": "he lian", "钟离": "zhong li", "鲜于": "xian yu",
    "万俟": "mo qi", "闾丘": "lü qiu", "亓官": "qi guan", "司寇": "si kou", "仲孙": "zhong sun",
    "拓跋": "tuo ba", "乐正": "yue zheng", "漆雕": "qi diao", "公西": "gong xi", "壤驷": "rang si",
    "公良": "gong liang", "夹谷": "jia gu", "宰父": "zai fu", "谷梁": "gu liang", "段干": "duan gan",
    "梁丘": "liang qiu", "左丘": "zuo qiu", "东门": "dong men", "第五": "di wu", "羊舌": "yang she",
    "微生": "wei sheng", "公羊": "gong yang", "纳兰": "na lan", "完颜": "wan yan", "耶律": "ye lü",
}  # fmt: skip

#: One-character surnames whose reading differs from the commonest one of the character.
READINGS: dict[str, str] = {
    "曾": "zeng", "单": "shan", "仇": "qiu", "解": "xie", "查": "zha", "朴": "piao", "区": "ou", "任": "ren",
    "盖": "ge", "乐": "yue", "翟": "zhai", "缪": "miao", "宓": "mi", "冼": "xian", "洗": "xian", "燕": "yan",
    "华": "hua", "宁": "ning", "员": "yun", "秘": "bi", "种": "chong", "黑": "he", "折": "she", "繁": "po",
    "覃": "qin", "召": "shao", "逄": "pang", "仉": "zhang", "哈": "ha", "尉": "wei", "隗": "wei", "句": "gou",
    "那": "na", "能": "nai", "佴": "nai", "祭": "zhai", "过": "guo", "冯": "feng", "费": "fei", "臧": "zang",
    "藏": "zang", "车": "che", "幺": "yao", "么": "yao", "乜": "nie", "厍": "she", "相": "xiang", "谌": "chen",
    "沈": "shen", "石": "shi", "晁": "chao", "钭": "tou", "郇": "xun", "纪": "ji", "葛": "ge", "应": "ying",
    "曲": "qu", "贾": "jia", "盛": "sheng", "强": "qiang", "褚": "chu", "柏": "bai", "薄": "bo", "撒": "sa",
    "都": "du", "谷": "gu", "卜": "bu", "阚": "kan", "殷": "yin", "邵": "shao", "樊": "fan", "瞿": "qu",
    "长": "zhang", "重": "chong", "行": "xing", "朝": "chao", "宿": "su", "尹": "yin", "俞": "yu", "於": "yu",
    "粘": "nian", "适": "kuo", "贲": "ben", "牟": "mu", "六": "lu", "叶": "ye", "吕": "lü", "娄": "lou",
}  # fmt: skip


def split_name(name: str) -> tuple[str, str]:
    """Family name and given name; a compound surname counts only with a given name after it.

    ``欧阳健`` -> (欧阳, 健), ``欧阳`` -> (欧, 阳), ``李`` -> (李, ""). Names with a middle dot are not split by this.
    """
    width = 2 if len(name) > 2 and name[:2] in COMPOUND else 1
    return name[:width], name[width:]
