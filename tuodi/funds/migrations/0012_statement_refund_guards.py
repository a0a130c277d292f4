"""Row-level security of refunds, turned orders and later answers; what is frozen of them; who may turn an order to the treasury."""

from __future__ import annotations

from importlib import import_module

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS, rewrite_function

guard = import_module("tuodi.funds.migrations.0004_hospital_guards").guard

#: A paper that was refused gives its entry back: then alone what was decided is open again.
GUARDED = (
    ("statementrefund",
     "old.state = 'dismissed' or old.state in ('booked', 'same') and not exists (select 1 from funds_fundpaper p where p.id = old.paper_id "
     "and p.state = 'refused')",
     ("state", "of_id", "premium_id", "emergency_id", "paper_id", "decided_at", "decided_by_id", "note"), "对账单退款", "line_id"),
    ("orderturn", "old.state <> 'proposed'", ("state", "decided_at", "decided_by_id", "decision_note"), "改由国库支付", "voucher"),
)  # fmt: skip
BACK = "".join(
    f"drop trigger funds_{table}_guard on funds_{table}; drop function funds_{table}_guard;" for table, *_ in GUARDED
)


class Migration(migrations.Migration):
    dependencies = [("funds", "0011_statement_refunds_and_turns")]
    operations = [
        *(EnableRLS(model) for model in ("StatementRefund", "OrderTurn", "PremiumAnswer")),
        AppendOnly("PremiumAnswer"),
        migrations.RunSQL("".join(guard(*one) for one in GUARDED), BACK),
        rewrite_function("funds_order_guard", "when 'ready' then array['sent']", "when 'ready' then array['sent', 'treasury']"),
        rewrite_function("funds_order_guard", "when 'failed' then array['sent']", "when 'failed' then array['sent', 'treasury']"),
        rewrite_function(
            "funds_order_guard", "when 'returned' then array['sent']", "when 'returned' then array['sent', 'treasury']"
        ),
        rewrite_function(
            "funds_order_guard",
            "using errcode = 'check_violation';\n    end if;\n  end if;\n  return new;",
            "using errcode = 'check_violation';\n    end if;\n"
            "    if new.status = 'treasury' and not exists (select 1 from funds_orderturn t where t.order_id = old.id and t.state = 'approved') then\n"
            "      raise exception '付款单 % 改由国库支付须经两人', old.no using errcode = 'check_violation';\n    end if;\n"
            "  end if;\n  return new;",
        ),
    ]  # fmt: skip
