"""Towns ask for their cash to be filled up; finance checks their counts."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tuodi.org.rls import AppendOnly, EnableRLS


class Migration(migrations.Migration):

    dependencies = [
        ('funds', '0011_idle_alerts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FloatCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(db_collation='C', max_length=12, verbose_name='区划')),
                ('note', models.CharField(blank=True, max_length=300, verbose_name='核对意见')),
                ('checked_at', models.DateTimeField(verbose_name='核对时间')),
                ('checked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('count', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='check_row', to='funds.floatcount')),
            ],
            options={
                'verbose_name': '备用金财政核对',
            },
        ),
        migrations.CreateModel(
            name='FloatRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(db_collation='C', max_length=12, verbose_name='区划')),
                ('amount_fen', models.BigIntegerField(verbose_name='金额（分）')),
                ('balance_fen', models.BigIntegerField(verbose_name='申请时余额（分）')),
                ('reason', models.CharField(max_length=300, verbose_name='用途')),
                ('asked_at', models.DateTimeField(verbose_name='申请时间')),
                ('refused_at', models.DateTimeField(null=True, verbose_name='不同意时间')),
                ('refusal', models.CharField(blank=True, max_length=300, verbose_name='不同意的理由')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('float', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='funds.float')),
                ('paper', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='funds.fundpaper')),
                ('refused_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': '备用金补足申请',
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_fen__gt', 0)), name='funds_refill_amount'), models.CheckConstraint(condition=models.Q(models.Q(('refusal', ''), ('refused_at__isnull', True), ('refused_by__isnull', True)), models.Q(('paper__isnull', True), ('refused_at__isnull', False), ('refused_by__isnull', False), models.Q(('refusal', ''), _negated=True)), _connector='OR'), name='funds_refill_refused'), models.UniqueConstraint(models.F('float'), condition=models.Q(('paper__isnull', True), ('refused_at__isnull', True)), name='funds_refill_once')],
            },
        ),
        EnableRLS("FloatRequest"),
        EnableRLS("FloatCheck"),
        AppendOnly("FloatCheck"),
    ]
