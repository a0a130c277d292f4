"""Names the programmes of payments by agreement or list and those of orders to bodies in one list."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('funds', '0009_payee_newer_key'),
    ]

    operations = [
        migrations.AlterField(
            model_name='fundpaper',
            name='programme',
            field=models.CharField(choices=[('pool', '统筹池（未分项）'), ('dibao', '城乡低保'), ('tekun', '特困人员救助供养'), ('temporary', '临时救助'), ('child', '孤儿和困境儿童生活保障'), ('vagrant', '流浪乞讨人员救助'), ('medical', '医疗救助'), ('emergency', '疾病应急救助'), ('care', '特困照料服务补贴'), ('family_planning', '计划生育家庭扶助')], max_length=16, verbose_name='项目'),
        ),
        migrations.AlterField(
            model_name='fundpaper',
            name='to_programme',
            field=models.CharField(blank=True, choices=[('pool', '统筹池（未分项）'), ('dibao', '城乡低保'), ('tekun', '特困人员救助供养'), ('temporary', '临时救助'), ('child', '孤儿和困境儿童生活保障'), ('vagrant', '流浪乞讨人员救助'), ('medical', '医疗救助'), ('emergency', '疾病应急救助'), ('care', '特困照料服务补贴'), ('family_planning', '计划生育家庭扶助')], max_length=16, verbose_name='调入项目'),
        ),
        migrations.AlterField(
            model_name='payorder',
            name='programme',
            field=models.CharField(choices=[('pool', '统筹池（未分项）'), ('dibao', '城乡低保'), ('tekun', '特困人员救助供养'), ('temporary', '临时救助'), ('child', '孤儿和困境儿童生活保障'), ('vagrant', '流浪乞讨人员救助'), ('medical', '医疗救助'), ('emergency', '疾病应急救助'), ('care', '特困照料服务补贴'), ('family_planning', '计划生育家庭扶助')], max_length=16, verbose_name='项目'),
        ),
        migrations.AlterField(
            model_name='publicfund',
            name='purposes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('pool', '统筹池（未分项）'), ('dibao', '城乡低保'), ('tekun', '特困人员救助供养'), ('temporary', '临时救助'), ('child', '孤儿和困境儿童生活保障'), ('vagrant', '流浪乞讨人员救助'), ('medical', '医疗救助'), ('emergency', '疾病应急救助'), ('care', '特困照料服务补贴'), ('family_planning', '计划生育家庭扶助')], max_length=16), size=None, verbose_name='限定用途'),
        ),
    ]
