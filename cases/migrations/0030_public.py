"""What residents left, asked and read."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assets", "0007_unit_grid_unindexed"),
        ("cases", "0020_open311"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PublicCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address_hash", models.CharField(max_length=64, unique=True)),
                ("code_hash", models.CharField(max_length=64)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "verbose_name": "code sent",
                "verbose_name_plural": "codes sent",
            },
        ),
        migrations.CreateModel(
            name="PublicCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("what", models.CharField(max_length=24)),
                ("key", models.CharField(max_length=64)),
                ("since", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name": "count of uses",
                "verbose_name_plural": "counts of uses",
                "indexes": [models.Index(fields=["since"], name="cases_publiccount_since")],
                "constraints": [
                    models.UniqueConstraint(fields=("what", "key", "since"), name="cases_publiccount_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="PublicReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_key", models.UUIDField(unique=True)),
                ("secret_hash", models.CharField(max_length=64)),
                ("contact_hash", models.CharField(blank=True, max_length=64)),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="public_reports",
                        to="cases.case",
                    ),
                ),
                (
                    "line",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="public_report",
                        to="cases.transition",
                    ),
                ),
            ],
            options={
                "verbose_name": "report of a resident",
                "verbose_name_plural": "reports of residents",
            },
        ),
        migrations.CreateModel(
            name="PublicQuestion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=300, verbose_name="question")),
                ("asked_at", models.DateTimeField()),
                ("answer", models.CharField(blank=True, max_length=500, verbose_name="answer")),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="public_questions",
                        to="cases.case",
                    ),
                ),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="questions",
                        to="cases.publicreport",
                    ),
                ),
            ],
            options={
                "verbose_name": "question to a resident",
                "verbose_name_plural": "questions to residents",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="PublicContact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel",
                    models.CharField(choices=[("sms", "Text message"), ("mail", "E-mail")], max_length=4),
                ),
                ("address", models.CharField(max_length=120)),
                ("language", models.CharField(default="zh-hans", max_length=10)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "report",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contact",
                        to="cases.publicreport",
                    ),
                ),
            ],
            options={
                "verbose_name": "wish to be told",
                "verbose_name_plural": "wishes to be told",
            },
        ),
        migrations.CreateModel(
            name="PublicText",
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
                        choices=[("notice", "Notice"), ("news", "News"), ("help", "Help")],
                        max_length=6,
                        verbose_name="kind",
                    ),
                ),
                ("title", models.CharField(max_length=100, verbose_name="title")),
                ("title_en", models.CharField(blank=True, max_length=150, verbose_name="English title")),
                ("body", models.TextField(max_length=5000, verbose_name="text")),
                ("body_en", models.TextField(blank=True, max_length=8000, verbose_name="English text")),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                (
                    "shown_from",
                    models.DateField(default=django.utils.timezone.localdate, verbose_name="shown from"),
                ),
                (
                    "shown_to",
                    models.DateField(blank=True, null=True, verbose_name="shown until (not included)"),
                ),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "text for residents",
                "verbose_name_plural": "texts for residents",
                "ordering": ["kind", "position", "-shown_from", "-id"],
            },
        ),
        migrations.CreateModel(
            name="PublicTopic",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40, verbose_name="name")),
                ("name_en", models.CharField(blank=True, max_length=60, verbose_name="English name")),
                ("hint", models.CharField(blank=True, max_length=120, verbose_name="for example")),
                (
                    "hint_en",
                    models.CharField(blank=True, max_length=160, verbose_name="for example, in English"),
                ),
                ("icon", models.CharField(default="bang", max_length=20, verbose_name="picture")),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                ("active", models.BooleanField(default=True, verbose_name="in use")),
                (
                    "type",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="assets.itemtype",
                        verbose_name="type",
                    ),
                ),
            ],
            options={
                "verbose_name": "kind of problem",
                "verbose_name_plural": "kinds of problems",
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="Questionnaire",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=100, verbose_name="title")),
                ("title_en", models.CharField(blank=True, max_length=150, verbose_name="English title")),
                ("intro", models.TextField(blank=True, max_length=1000, verbose_name="introduction")),
                (
                    "intro_en",
                    models.TextField(blank=True, max_length=1500, verbose_name="English introduction"),
                ),
                (
                    "opens_on",
                    models.DateField(default=django.utils.timezone.localdate, verbose_name="opens on"),
                ),
                ("closes_on", models.DateField(verbose_name="closes on (not included)")),
                ("published", models.BooleanField(default=False, verbose_name="published")),
                (
                    "shows_results",
                    models.BooleanField(default=True, verbose_name="totals are public after it closed"),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "questionnaire",
                "verbose_name_plural": "questionnaires",
                "ordering": ["-opens_on", "-id"],
            },
        ),
        migrations.CreateModel(
            name="QuestionnaireItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("single", "One choice"),
                            ("multiple", "Several choices"),
                            ("text", "Own words"),
                        ],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("text", models.CharField(max_length=200, verbose_name="question")),
                ("text_en", models.CharField(blank=True, max_length=300, verbose_name="question in English")),
                (
                    "options",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), blank=True, default=list, size=None
                    ),
                ),
                (
                    "options_en",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=150), blank=True, default=list, size=None
                    ),
                ),
                ("needed", models.BooleanField(default=True, verbose_name="must be answered")),
                (
                    "questionnaire",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="cases.questionnaire",
                    ),
                ),
            ],
            options={
                "verbose_name": "question of a questionnaire",
                "verbose_name_plural": "questions of questionnaires",
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="QuestionnaireSheet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_key", models.UUIDField(unique=True)),
                ("day", models.DateField(default=django.utils.timezone.localdate)),
                (
                    "questionnaire",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sheets",
                        to="cases.questionnaire",
                    ),
                ),
            ],
            options={
                "verbose_name": "filled-in questionnaire",
                "verbose_name_plural": "filled-in questionnaires",
            },
        ),
        migrations.CreateModel(
            name="QuestionnaireAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("option", models.PositiveSmallIntegerField(null=True)),
                ("words", models.CharField(blank=True, max_length=500)),
                (
                    "item",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answers",
                        to="cases.questionnaireitem",
                    ),
                ),
                (
                    "sheet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answers",
                        to="cases.questionnairesheet",
                    ),
                ),
            ],
            options={
                "verbose_name": "answer to a questionnaire",
                "verbose_name_plural": "answers to questionnaires",
            },
        ),
        migrations.CreateModel(
            name="Suggestion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=24, unique=True, verbose_name="number")),
                ("client_key", models.UUIDField(unique=True)),
                ("secret_hash", models.CharField(max_length=64)),
                ("title", models.CharField(max_length=100, verbose_name="subject")),
                ("text", models.TextField(max_length=2000, verbose_name="suggestion")),
                (
                    "state",
                    models.CharField(
                        choices=[("new", "To be answered"), ("answered", "Answered"), ("spam", "Not for us")],
                        default="new",
                        max_length=8,
                    ),
                ),
                ("public", models.BooleanField(default=False, verbose_name="public")),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("reply", models.TextField(blank=True, max_length=2000, verbose_name="reply")),
                ("replied_at", models.DateTimeField(null=True)),
                (
                    "replied_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "suggestion",
                "verbose_name_plural": "suggestions",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="PublicBlock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("contact_hash", models.CharField(db_index=True, max_length=64)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("spam", "Advertising or mass sending"),
                            ("false", "Invented reports, again and again"),
                            ("abuse", "Insults or threats in the text"),
                        ],
                        max_length=8,
                        verbose_name="reason",
                    ),
                ),
                ("note", models.CharField(max_length=300, verbose_name="what happened")),
                ("expires_at", models.DateTimeField(verbose_name="until")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("appeal", models.CharField(blank=True, max_length=1000, verbose_name="appeal")),
                ("appealed_at", models.DateTimeField(null=True)),
                ("answer", models.CharField(blank=True, max_length=500, verbose_name="answer to the appeal")),
                ("lifted_at", models.DateTimeField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cases.case",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lifted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "blocked contact",
                "verbose_name_plural": "blocked contacts",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="cases_publicblock_ends_later",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="publicreport",
            index=models.Index(
                condition=models.Q(("contact_hash", ""), _negated=True),
                fields=["contact_hash"],
                name="cases_publicreport_contact",
            ),
        ),
        migrations.AddConstraint(
            model_name="publicreport",
            constraint=models.UniqueConstraint(
                fields=("case", "secret_hash"), name="cases_publicreport_secret"
            ),
        ),
        migrations.AddIndex(
            model_name="publicquestion",
            index=models.Index(fields=["case", "id"], name="cases_publicquestion_case"),
        ),
        migrations.AddConstraint(
            model_name="publicquestion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("answered_at", None)),
                fields=("report",),
                name="cases_publicquestion_one_open",
            ),
        ),
        migrations.AddIndex(
            model_name="publictext",
            index=models.Index(fields=["kind", "-shown_from"], name="cases_publictext_kind"),
        ),
        migrations.AddConstraint(
            model_name="publictext",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("shown_to", None), ("shown_to__gt", models.F("shown_from")), _connector="OR"
                ),
                name="cases_publictext_days",
            ),
        ),
        migrations.AddConstraint(
            model_name="publictopic",
            constraint=models.UniqueConstraint(fields=("name",), name="cases_publictopic_once"),
        ),
        migrations.AddConstraint(
            model_name="questionnaire",
            constraint=models.CheckConstraint(
                condition=models.Q(("closes_on__gt", models.F("opens_on"))), name="cases_questionnaire_days"
            ),
        ),
        migrations.AddIndex(
            model_name="questionnaireanswer",
            index=models.Index(fields=["item", "option"], name="cases_answer_option"),
        ),
        migrations.AddIndex(
            model_name="suggestion",
            index=models.Index(fields=["state", "-id"], name="cases_suggestion_state"),
        ),
        migrations.AddIndex(
            model_name="suggestion",
            index=models.Index(
                condition=models.Q(("public", True)), fields=["-id"], name="cases_suggestion_public"
            ),
        ),
    ]
