"""Money of a waiver its body gave back: entered by voucher or found on a statement, never more than was waived."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tuodi.org.rls import AppendOnly, EnableRLS, rewrite_function

LIMIT = """
-- No body gives back more than it was paid for a funeral. The waiver is held, so that two returns are counted one after the other.
create function funds_funeral_back() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare waiver record; back numeric;
begin
  select no, waived_fen into waiver from public.funds_funeralwaiver where id = new.waiver_id and region = new.region and state = 'approved' for update;
  select coalesce(sum(amount_fen), 0) into back from public.funds_funeralreturn where waiver_id = new.waiver_id;
  if waiver.no is null or back + new.amount_fen > waiver.waived_fen then
    raise exception '丧葬费用减免 % 的退款超过减免', coalesce(waiver.no, new.waiver_id::text) using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger funds_funeral_back before insert on funds_funeralreturn for each row execute function funds_funeral_back();
revoke all on function funds_funeral_back() from public;
"""
BACK = "drop trigger funds_funeral_back on funds_funeralreturn; drop function funds_funeral_back;"


class Migration(migrations.Migration):

    dependencies = [
        ('funds', '0015_public_fund_closed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FuneralReturn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(db_collation='C', max_length=12, verbose_name='区划')),
                ('amount_fen', models.BigIntegerField(verbose_name='金额（分）')),
                ('reason', models.CharField(max_length=200, verbose_name='理由')),
                ('voucher', models.CharField(db_collation='C', max_length=40, verbose_name='凭证号')),
                ('received_on', models.DateField(verbose_name='到账日期')),
                ('received_at', models.DateTimeField(verbose_name='登记时间')),
            ],
            options={
                'verbose_name': '丧葬费用退款',
            },
        ),
        migrations.RemoveConstraint(
            model_name='statementrefund',
            name='funds_statement_refund_one',
        ),
        migrations.AddField(
            model_name='funeralreturn',
            name='entry',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='funds.ledgerentry'),
        ),
        migrations.AddField(
            model_name='funeralreturn',
            name='received_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='funeralreturn',
            name='waiver',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='funds.funeralwaiver'),
        ),
        migrations.AddField(
            model_name='statementrefund',
            name='funeral',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='funds.funeralreturn'),
        ),
        migrations.AddConstraint(
            model_name='statementrefund',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('emergency__isnull', True), ('funeral__isnull', True), ('paper__isnull', True), ('premium__isnull', True), ('state__in', ['proposed', 'dismissed'])), models.Q(('of__isnull', False), ('state__in', ['booked', 'same']), models.Q(models.Q(('emergency__isnull', True), ('funeral__isnull', True), ('paper__isnull', True), ('premium__isnull', False)), models.Q(('emergency__isnull', False), ('funeral__isnull', True), ('paper__isnull', True), ('premium__isnull', True)), models.Q(('emergency__isnull', True), ('funeral__isnull', False), ('paper__isnull', True), ('premium__isnull', True)), models.Q(('emergency__isnull', True), ('funeral__isnull', True), ('paper__isnull', False), ('premium__isnull', True)), _connector='OR')), _connector='OR'), name='funds_statement_refund_one'),
        ),
        migrations.AddConstraint(
            model_name='funeralreturn',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gt', 0)), name='funds_funeral_return_amount'),
        ),
        migrations.AddConstraint(
            model_name='funeralreturn',
            constraint=models.UniqueConstraint(models.F('waiver'), models.F('voucher'), name='funds_funeral_return_once'),
        ),
        EnableRLS("FuneralReturn"),
        AppendOnly("FuneralReturn"),
        migrations.RunSQL(LIMIT, BACK),
        rewrite_function(
            "funds_statementrefund_guard",
            "is_now.emergency_id := old.emergency_id;",
            "is_now.emergency_id := old.emergency_id; is_now.funeral_id := old.funeral_id;",
        ),
    ]
