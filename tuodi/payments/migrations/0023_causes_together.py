"""Names the causes of payments by agreement or list and of changed rules in one list."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('payments', '0022_fixed_list_guards'),
    ]

    operations = [
        migrations.AlterField(
            model_name='arrear',
            name='cause',
            field=models.CharField(choices=[('standard', '提标'), ('standard_back', '提标补发'), ('rules', '规则调整'), ('rules_back', '规则调整补发'), ('new', '新增'), ('members', '成员变动'), ('death', '死亡减员'), ('exit', '退出'), ('clue', '查实停保'), ('income', '收入变化'), ('grace', '渐退'), ('price', '价格补贴'), ('back', '更正补发'), ('offset', '追回抵扣'), ('held', '本月暂缓'), ('resumed', '上月暂缓本月恢复'), ('one_off', '上月一次性补发到期'), ('relief', '临时救助（一次性）'), ('basis', '计算依据变化'), ('stated', '约定或核定金额变化'), ('other', '其他')], max_length=14, verbose_name='原因'),
        ),
        migrations.AlterField(
            model_name='linedifference',
            name='cause',
            field=models.CharField(choices=[('standard', '提标'), ('standard_back', '提标补发'), ('rules', '规则调整'), ('rules_back', '规则调整补发'), ('new', '新增'), ('members', '成员变动'), ('death', '死亡减员'), ('exit', '退出'), ('clue', '查实停保'), ('income', '收入变化'), ('grace', '渐退'), ('price', '价格补贴'), ('back', '更正补发'), ('offset', '追回抵扣'), ('held', '本月暂缓'), ('resumed', '上月暂缓本月恢复'), ('one_off', '上月一次性补发到期'), ('relief', '临时救助（一次性）'), ('basis', '计算依据变化'), ('stated', '约定或核定金额变化'), ('other', '其他')], max_length=14, verbose_name='原因'),
        ),
    ]
