"""The whole life of a case: flows as data, and what a case carries beside its state."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assets", "0007_unit_grid_unindexed"),
        ("cases", "0008_counts_by_index"),
        ("geo", "0007_former_passwords"),
        ("grids", "0008_plan_files"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Alarm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                ("clock", models.DateTimeField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "alarm",
                "verbose_name_plural": "alarms",
            },
        ),
        migrations.CreateModel(
            name="CaseRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("extend", "Extension"), ("suspend", "Suspension")], max_length=8
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "To be decided"),
                            ("approved", "Granted"),
                            ("refused", "Refused"),
                            ("lapsed", "Lapsed"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("amount", models.FloatField(null=True)),
                ("unit", models.CharField(blank=True, max_length=12)),
                ("review_on", models.DateField(null=True)),
                ("reason", models.CharField(max_length=500)),
                ("asked_at", models.DateTimeField()),
                ("due_before", models.DateTimeField(null=True)),
                ("due_after", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "verbose_name": "request of a unit",
                "verbose_name_plural": "requests of units",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="FlowVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=30, verbose_name="flow")),
                ("version", models.PositiveSmallIntegerField(verbose_name="version")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("active", "In force"),
                            ("retired", "No longer in force"),
                        ],
                        default="draft",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("label", models.CharField(max_length=60, verbose_name="name")),
                ("label_en", models.CharField(blank=True, max_length=60, verbose_name="English name")),
                ("definition", models.JSONField(verbose_name="definition")),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="what changed")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                ("activated_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "flow",
                "verbose_name_plural": "flows",
                "ordering": ["name", "-version"],
            },
        ),
        migrations.CreateModel(
            name="OwnerQuestion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                (
                    "answer",
                    models.CharField(
                        blank=True,
                        choices=[("", "Not answered"), ("ours", "Ours"), ("not_ours", "Not ours")],
                        default="",
                        max_length=8,
                    ),
                ),
                ("words", models.CharField(blank=True, max_length=500)),
                ("answered_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "question of ownership",
                "verbose_name_plural": "questions of ownership",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Rating",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("inner", "Grid staff"), ("outer", "Resident"), ("call_back", "Call back")],
                        max_length=9,
                    ),
                ),
                ("stars", models.PositiveSmallIntegerField(null=True)),
                ("contacted", models.BooleanField(null=True)),
                ("solved", models.BooleanField(null=True)),
                ("satisfied", models.BooleanField(null=True)),
                ("words", models.CharField(blank=True, max_length=500)),
                ("at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "rating",
                "verbose_name_plural": "ratings",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Supervision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "level",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "By a leader"),
                            (1, "Managing department"),
                            (2, "Leader in charge"),
                            (3, "Discipline commission"),
                        ]
                    ),
                ),
                ("number", models.CharField(max_length=30, unique=True, verbose_name="number")),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("clock", models.DateTimeField(null=True)),
                ("at", models.DateTimeField()),
                ("reply_due_at", models.DateTimeField(null=True)),
                ("reply", models.CharField(blank=True, max_length=1000)),
                ("replied_at", models.DateTimeField(null=True)),
                ("area_code", models.CharField(max_length=12)),
            ],
            options={
                "verbose_name": "supervision",
                "verbose_name_plural": "supervisions",
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="case",
            name="cases_case_held_by_someone",
        ),
        migrations.RemoveIndex(
            model_name="case",
            name="cases_case_open_due",
        ),
        migrations.AddField(
            model_name="case",
            name="complaint_kind",
            field=models.CharField(blank=True, max_length=20, verbose_name="kind of complaint"),
        ),
        migrations.AddField(
            model_name="case",
            name="complexity",
            field=models.CharField(blank=True, max_length=10, verbose_name="complexity"),
        ),
        migrations.AddField(
            model_name="case",
            name="desk_code",
            field=models.CharField(blank=True, max_length=12, verbose_name="desk"),
        ),
        migrations.AddField(
            model_name="case",
            name="difficult",
            field=models.BooleanField(default=False, verbose_name="difficult"),
        ),
        migrations.AddField(
            model_name="case",
            name="extended_count",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="case",
            name="lead_unit",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="geo.organisation",
                verbose_name="accountable unit",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="mark",
            field=models.CharField(
                blank=True,
                choices=[
                    ("hot", "Hot spot"),
                    ("hard", "Hard spot"),
                    ("blocked", "Blocked spot"),
                    ("legacy", "Legacy problem"),
                ],
                max_length=8,
                verbose_name="mark",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="children",
                to="cases.case",
                verbose_name="part of",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="paused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="case",
            name="paused_left",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="case",
            name="phase",
            field=models.CharField(
                choices=[
                    ("desk", "With a desk"),
                    ("unit", "With a unit"),
                    ("check", "Being checked"),
                    ("paused", "Paused"),
                    ("rating", "Being rated"),
                    ("ended", "Ended"),
                ],
                default="desk",
                max_length=6,
                verbose_name="phase",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="reopened_from",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reopened_as",
                to="cases.case",
                verbose_name="reopened from",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="review_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="to be reviewed"),
        ),
        migrations.AddField(
            model_name="case",
            name="supervised",
            field=models.BooleanField(default=False, verbose_name="supervised"),
        ),
        migrations.AddField(
            model_name="case",
            name="supervision_level",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="level of supervision"),
        ),
        migrations.AddField(
            model_name="case",
            name="timer_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="casehold",
            name="part",
            field=models.CharField(
                choices=[("holder", "Responsible"), ("helper", "Helping")], default="holder", max_length=6
            ),
        ),
        migrations.AlterField(
            model_name="case",
            name="flow",
            field=models.CharField(default="city_management", max_length=30, verbose_name="flow"),
        ),
        migrations.AlterField(
            model_name="case",
            name="state",
            field=models.CharField(
                choices=[
                    ("reported", "To be accepted"),
                    ("rejected", "Not accepted"),
                    ("accepted", "Accepted"),
                    ("verifying_before", "To be verified"),
                    ("filed", "To be dispatched"),
                    ("dispatched", "To be handled"),
                    ("handling", "Being handled"),
                    ("suspended", "Suspended"),
                    ("handled", "Handled"),
                    ("verifying_after", "Being checked"),
                    ("rework", "Rework"),
                    ("verified", "To be closed"),
                    ("closed", "Closed"),
                    ("void", "Void"),
                    ("found", "Found"),
                    ("at_community", "At the community"),
                    ("at_street", "At the street"),
                    ("whistled", "Whistled for"),
                    ("returned", "Sent back"),
                    ("at_district", "At the district"),
                    ("reporting_in", "Departments at work"),
                    ("checking", "To be checked"),
                    ("rating", "To be rated"),
                    ("archived", "Archived"),
                    ("received", "Received"),
                    ("assigned", "To be taken"),
                    ("in_hand", "In hand"),
                    ("replied", "Replied"),
                    ("dissatisfied", "Not satisfied"),
                ],
                default="reported",
                max_length=20,
                verbose_name="state",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("state__in", ["rejected", "closed", "void", "archived"]), _negated=True),
                fields=["due_at"],
                name="cases_case_open_due",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("timer_at__isnull", False)), fields=["timer_at"], name="cases_case_timer"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("desk_code", ""), _negated=True),
                fields=["desk_code"],
                name="cases_case_desk",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("parent__isnull", False)), fields=["parent"], name="cases_case_parent"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("reopened_from__isnull", False)),
                fields=["reopened_from"],
                name="cases_case_reopened",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("lead_unit__isnull", False)), fields=["lead_unit"], name="cases_case_lead"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(
                    models.Q(
                        ("supervised", True),
                        ("difficult", True),
                        models.Q(("mark", ""), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(("state__in", ["rejected", "closed", "void", "archived"]), _negated=True),
                ),
                fields=["area_code"],
                name="cases_case_flagged",
                opclasses=["varchar_pattern_ops"],
            ),
        ),
        migrations.AddField(
            model_name="alarm",
            name="case",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="alarms", to="cases.case"
            ),
        ),
        migrations.AddField(
            model_name="caserequest",
            name="asked_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="caserequest",
            name="asked_unit",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="geo.organisation",
            ),
        ),
        migrations.AddField(
            model_name="caserequest",
            name="case",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="requests", to="cases.case"
            ),
        ),
        migrations.AddField(
            model_name="caserequest",
            name="decided_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="flowversion",
            name="activated_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="flowversion",
            name="created_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ownerquestion",
            name="answered_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ownerquestion",
            name="asked_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ownerquestion",
            name="case",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="owner_questions", to="cases.case"
            ),
        ),
        migrations.AddField(
            model_name="ownerquestion",
            name="unit",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="geo.organisation"
            ),
        ),
        migrations.AddField(
            model_name="rating",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="rating",
            name="case",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="ratings", to="cases.case"
            ),
        ),
        migrations.AddField(
            model_name="rating",
            name="said_of",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.case"
            ),
        ),
        migrations.AddField(
            model_name="supervision",
            name="case",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="supervisions", to="cases.case"
            ),
        ),
        migrations.AddField(
            model_name="supervision",
            name="ordered_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="supervision",
            name="replied_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="supervision",
            name="unit",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="geo.organisation",
            ),
        ),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.UniqueConstraint(fields=("case", "kind", "clock"), name="cases_alarm_once"),
        ),
        migrations.AddIndex(
            model_name="caserequest",
            index=models.Index(fields=["case", "kind"], name="cases_caserequest_case"),
        ),
        migrations.AddConstraint(
            model_name="caserequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")),
                fields=("case", "kind"),
                name="cases_caserequest_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="flowversion",
            constraint=models.UniqueConstraint(fields=("name", "version"), name="cases_flowversion_once"),
        ),
        migrations.AddConstraint(
            model_name="flowversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "active")), fields=("name",), name="cases_flowversion_one_active"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="flowversion",
            trigger=pgtrigger.compiler.Trigger(
                name="kept_as_it_was",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."state" IN (\'active\', \'retired\') AND OLD."definition" IS DISTINCT FROM (NEW."definition"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="60203030babc09339027dbe2e72823a4ca54dfb0",
                    operation="UPDATE",
                    pgid="pgtrigger_kept_as_it_was_bea0a",
                    table="cases_flowversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="flowversion",
            trigger=pgtrigger.compiler.Trigger(
                name="kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT (OLD.\"state\" = 'draft'))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="6fd2934802b411180176f34c6b07487cdae8fb39",
                    operation="DELETE",
                    pgid="pgtrigger_kept_49456",
                    table="cases_flowversion",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="ownerquestion",
            constraint=models.UniqueConstraint(fields=("case", "unit"), name="cases_ownerquestion_once"),
        ),
        migrations.AddConstraint(
            model_name="ownerquestion",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_at__gte", models.F("asked_at"))), name="cases_ownerquestion_due"
            ),
        ),
        migrations.AddIndex(
            model_name="rating",
            index=models.Index(fields=["case", "kind"], name="cases_rating_case"),
        ),
        migrations.AddConstraint(
            model_name="rating",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("stars", None), models.Q(("stars__gte", 1), ("stars__lte", 5)), _connector="OR"
                ),
                name="cases_rating_stars",
            ),
        ),
        migrations.AddIndex(
            model_name="supervision",
            index=models.Index(fields=["case", "id"], name="cases_supervision_case"),
        ),
        migrations.AddIndex(
            model_name="supervision",
            index=models.Index(fields=["unit", "-id"], name="cases_supervision_unit"),
        ),
        migrations.AddIndex(
            model_name="supervision",
            index=models.Index(
                condition=models.Q(("replied_at__isnull", True)),
                fields=["reply_due_at"],
                name="cases_supervision_reply",
            ),
        ),
        migrations.AddConstraint(
            model_name="supervision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("clock__isnull", False)),
                fields=("case", "clock", "level"),
                name="cases_supervision_level_once",
            ),
        ),
    ]
