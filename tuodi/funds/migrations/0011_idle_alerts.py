"""Where money that lies too long is noted."""


import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tuodi.org.rls import EnableRLS


class Migration(migrations.Migration):

    dependencies = [
        ('funds', '0012_statement_refund_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='IdleAlert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(db_collation='C', max_length=12, verbose_name='区划')),
                ('programme', models.CharField(max_length=16, verbose_name='项目')),
                ('source', models.CharField(db_collation='C', max_length=20, verbose_name='资金来源')),
                ('account', models.CharField(choices=[('available', '可用资金'), ('reserved', '已占用（已审批待发）'), ('float', '乡镇备用金'), ('transit', '在途（已送银行）'), ('hospital', '医院垫付'), ('suspense', '退汇待处理'), ('payable', '应付救助金'), ('receivable', '应收多发款'), ('expense', '救助支出'), ('appropriated', '指标下达'), ('transfer', '统筹调剂')], max_length=12, verbose_name='科目')),
                ('run_id', models.BigIntegerField(default=0, verbose_name='发放批次')),
                ('amount_fen', models.BigIntegerField(verbose_name='金额（分）')),
                ('still_since', models.DateField(verbose_name='最近变动')),
                ('limit_days', models.IntegerField(verbose_name='允许天数')),
                ('made_at', models.DateTimeField(verbose_name='提醒时间')),
                ('handling', models.CharField(blank=True, max_length=300, verbose_name='处理情况')),
                ('handled_at', models.DateTimeField(null=True, verbose_name='说明时间')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='已变动')),
                ('handled_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': '资金沉淀提醒',
                'indexes': [models.Index(fields=['region', '-id'], name='funds_idle_region')],
                'constraints': [models.UniqueConstraint(models.F('region'), models.F('programme'), models.F('source'), models.F('account'), models.F('run_id'), condition=models.Q(('ended_at__isnull', True)), name='funds_idle_once'), models.CheckConstraint(condition=models.Q(models.Q(('handled_at__isnull', True), ('handled_by__isnull', True), ('handling', '')), models.Q(('handled_at__isnull', False), ('handled_by__isnull', False), models.Q(('handling', ''), _negated=True)), _connector='OR'), name='funds_idle_handled')],
            },
        ),
        EnableRLS("IdleAlert"),
    ]
