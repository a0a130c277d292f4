"""Basic funeral services waived for who was on a roll, and what is frozen of them."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tuodi.org.rls import EnableRLS

guard = import_module("tuodi.funds.migrations.0004_hospital_guards").guard


class Migration(migrations.Migration):

    dependencies = [
        ('files', '0002_rls'),
        ('funds', '0012_petty_requests'),
        ('people', '0005_tellings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='payorder',
            name='kind',
            field=models.CharField(choices=[('clearing', '医院清算款'), ('advance', '医院预付款'), ('refill', '补足医院预付款'), ('premium', '资助参保款'), ('emergency', '疾病应急救助款'), ('funeral', '基本丧葬服务费')], max_length=10, verbose_name='种类'),
        ),
        migrations.CreateModel(
            name='FuneralWaiver',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(db_collation='C', max_length=12, verbose_name='区划')),
                ('no', models.CharField(db_collation='C', max_length=40, unique=True, verbose_name='编号')),
                ('basis', models.CharField(max_length=60, verbose_name='去世时在册')),
                ('died_on', models.DateField(verbose_name='去世日期')),
                ('code', models.CharField(db_collation='C', max_length=20, verbose_name='机构编码')),
                ('body', models.CharField(max_length=60, verbose_name='殡葬服务机构')),
                ('items', models.JSONField(verbose_name='减免项目')),
                ('cost_fen', models.BigIntegerField(verbose_name='丧葬服务费用（分）')),
                ('waived_fen', models.BigIntegerField(verbose_name='减免（分）')),
                ('rule', models.CharField(max_length=200, verbose_name='依据')),
                ('state', models.CharField(choices=[('proposed', '待审核'), ('approved', '已同意'), ('refused', '不同意')], default='proposed', max_length=10, verbose_name='状态')),
                ('proposed_at', models.DateTimeField(verbose_name='登记时间')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='审核时间')),
                ('decision_note', models.CharField(blank=True, max_length=300, verbose_name='审核意见')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('entry', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='funds.ledgerentry')),
                ('evidence', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='files.storedfile')),
                ('household', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.household')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': '丧葬费用减免',
                'indexes': [models.Index(fields=['region', '-id'], name='funds_funeral_region')],
                'constraints': [models.CheckConstraint(condition=models.Q(('waived_fen__gt', 0), ('waived_fen__lte', models.F('cost_fen'))), name='funds_funeral_amounts'), models.CheckConstraint(condition=models.Q(('decided_by__isnull', True), models.Q(('decided_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='funds_funeral_four_eyes'), models.CheckConstraint(condition=models.Q(('state', 'proposed'), ('decided_by__isnull', False), _connector='OR'), name='funds_funeral_decided'), models.UniqueConstraint(models.F('person'), condition=models.Q(('state', 'refused'), _negated=True), name='funds_funeral_once')],
            },
        ),
        EnableRLS("FuneralWaiver"),
        migrations.RunSQL(
            guard(
                "funeralwaiver", "old.state <> 'proposed'", ("state", "decided_at", "decided_by_id", "decision_note", "entry_id"),
                "丧葬费用减免", "no",
            ),
            "drop trigger funds_funeralwaiver_guard on funds_funeralwaiver; drop function funds_funeralwaiver_guard;",
        ),
    ]
