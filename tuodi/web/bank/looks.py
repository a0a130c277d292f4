"""Marks and words the bank's pages share."""

from __future__ import annotations

from tuodi.payments.models import BankReturn
from tuodi.payments.states import MessageState, Verdict
from tuodi.web.components.words import Look

MESSAGES = {
    MessageState.CREATED: Look("已生成", "info"),
    MessageState.SIGNED: Look("已签名，待送出", "info"),
    MessageState.SENT: Look("等银行受理", "unknown", "help"),
    MessageState.ACKNOWLEDGED: Look("银行已受理", "ok", "check"),
    MessageState.REFUSED: Look("银行拒收", "bad", "x"),
}
ANSWERS = {
    BankReturn.State.APPLIED: Look("已入账", "ok", "check"),
    BankReturn.State.REFUSED: Look("整份拒收", "bad", "x"),
}
VERDICTS = {
    Verdict.MATCHED: Look("相符", "ok", "check"),
    Verdict.SETTLED: Look("相符，更新结果", "ok", "check"),
    Verdict.DUPLICATE_DEBIT: Look("重复扣款", "bad"),
    Verdict.DUPLICATE_CREDIT: Look("重复退回", "bad"),
    Verdict.UNKNOWN_DEBIT: Look("扣款无对应明细", "bad"),
    Verdict.UNKNOWN_CREDIT: Look("退回无对应明细", "bad"),
    Verdict.AMOUNT: Look("金额不符", "bad"),
    Verdict.ACCOUNT: Look("收款账号不符", "bad"),
    Verdict.CONTRADICTS: Look("与已知结果矛盾", "bad"),
    Verdict.OTHER: Look("非代发收支", "warn"),
    Verdict.REFUND: Look("机构退款", "ok", "check"),
}
#: What to do about a leftover.
REMEDIES = {
    Verdict.DUPLICATE_DEBIT: "请银行冲正多扣的一笔，收到冲正后由两人说明",
    Verdict.DUPLICATE_CREDIT: "请银行核对退回来源，多退的款不入账",
    Verdict.UNKNOWN_DEBIT: "本单位没有送出这一笔：立即联系银行查明扣款依据",
    Verdict.UNKNOWN_CREDIT: "没有送出过这一笔，不入账：请银行说明款项来源",
    Verdict.AMOUNT: "与送出的金额不同：请银行核对并冲正",
    Verdict.ACCOUNT: "收款账号不是送出的账号：请银行核对并追回",
    Verdict.CONTRADICTS: "银行先答复失败又扣款（或相反）：取得书面答复前不要重发",
    Verdict.OTHER: "手续费、拨入等：核对凭证后说明",
}
#: Kinds of messages a bank answers with, in words.
REPORTS = {
    "pain.002": "付款状态报告",
    "camt.029": "撤销答复",
    "camt.053": "对账单",
    "camt.054": "借贷记通知",
    "pacs.004": "退汇通知",
}
WORDS = {
    "accepted": "银行已受理",
    "duplicate": "银行先前已收到同一份",
    "refused": "银行拒收",
    "placed": "已放入交换目录",
    "absent": "银行没有收到",
    "conflict": "银行已有同编号的另一份",
    "no_word": "没有得到答复",
    "": "开始送出",
}
