"""What statistics count is kept by the database: tables, the triggers that write them, what is there."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KIND = """
create function cases_standing(state text) returns text language sql immutable parallel safe as $$
    -- What a state means for statistics: see cases.models.statistics.Standing.Kind.
    select case
        when state in ('reported', 'found', 'received') then 'r'
        when state in
            ('dispatched', 'handling', 'rework', 'whistled', 'reporting_in', 'assigned', 'in_hand') then 'u'
        when state = 'suspended' then 'p'
        when state in
            ('handled', 'verifying_after', 'verified', 'checking', 'replied', 'dissatisfied') then 'h'
        when state = 'rating' then 'a'
        when state in ('closed', 'archived') then 'e'
        when state in ('rejected', 'void') then 'x'
        else 'd' end
$$;
"""

# The first time of each counted action in a case's log: column and which lines are meant.
FIRSTS = {
    "began_at": "true",
    "reported_at": "action = 'report'",
    "accepted_at": "to_state = 'accepted'",
    "rejected_at": "to_state = 'rejected'",
    "filed_at": "to_state = 'filed'",
    "dispatched_at": "to_state = 'dispatched'",
    "voided_at": "to_state = 'void' and action <> 'merge'",
    "merged_at": "action = 'merge'",
    "self_closed_at": "action = 'confirm_self_handled'",
    "checked_at": "action in ('verify_pass', 'verify_fail')",
    "reworked_at": "action = 'verify_fail'",
    "extended_at": "action in ('approve_extend', 'extend')",
    "supervised_at": "action = 'supervise'",
    "self_handled_at": "action = 'self_handle'",
    "escalated_at": "action = 'escalate'",
    "whistled_at": "to_state = 'whistled'",
    "taken_at": "action = 'take'",
    "sent_back_at": "action = 'return_order'",
    "unrated_at": "action = 'archive_unrated'",
}

FIRST_TIMES = f"""
create function cases_firsts(one bigint)
returns table ({", ".join(f"{name} timestamptz" for name in FIRSTS)}, auto_dispatched boolean)
language sql stable parallel safe as $$
    select {", ".join(f"min(at) filter (where {which})" for which in FIRSTS.values())},
        coalesce((array_agg(action = 'auto_dispatch' order by id)
            filter (where to_state = 'dispatched'))[1], false)
    from cases_transition where case_id = one
$$;
"""

# What makes a standing; a change of any of these is one.
STANDING = ("kind", "unit_id", "handle_due_at", "close_due_at", "handled_at", "done_at")
PRESENT = {
    "kind": ("text", "k.kind"),
    "unit_id": ("bigint", "coalesce(c.lead_unit_id, c.holder_unit_id)"),
    "handle_due_at": ("timestamptz", "c.handle_due_at"),
    "close_due_at": ("timestamptz", "c.close_due_at"),
    "handled_at": ("timestamptz", "case when k.kind in ('h', 'a', 'e') then c.handled_at end"),
    "done_at": (
        "timestamptz",
        "case when k.kind in ('a', 'e') then"
        " case when c.flow = 'letter' then coalesce(c.verified_at, c.closed_at) else c.closed_at end end",
    ),
    "case_id": ("bigint", "c.id"),
    "flow": ("text", "c.flow"),
    "source": ("text", "c.source"),
    "type_id": ("bigint", "c.type_id"),
    "area_code": ("text", "coalesce(nullif(c.filed_community_code, ''), c.area_code)"),
    "grid_code": (
        "text",
        "case when c.filed_community_code = '' then coalesce(g.code, '') else c.filed_grid_code end",
    ),
    # A grid that belongs to another community by now says less than the area.
    "place": (
        "text",
        "case when c.filed_community_code = '' then case when starts_with(coalesce(g.code, ''), c.area_code)"
        " then coalesce(g.code, '') else c.area_code end"
        " when starts_with(c.filed_grid_code, c.filed_community_code) then c.filed_grid_code"
        " else c.filed_community_code end",
    ),
    "here_code": ("text", "c.area_code"),
    "desk_code": ("text", "c.desk_code"),
    "person_id": ("bigint", "case when c.source in ('supervisor', 'worker') then c.reporter_id end"),
    "company_id": (
        "bigint",
        "case when c.source in ('supervisor', 'worker') and o.kind = 'company' then o.id end",
    ),
    "self_handled": ("boolean", "c.self_handled"),
    "auto_dispatched": ("boolean", "f.auto_dispatched"),
    "take_due_at": ("timestamptz", "case when c.state = 'whistled' then c.due_at end"),
    **{name: ("timestamptz", f"f.{name}") for name in FIRSTS},
}
NOW = f"""
create function cases_present(ids bigint[])
returns table ({", ".join(f"{name} {kind}" for name, (kind, _what) in PRESENT.items())})
language sql stable as $$
    -- Cases as statistics see them now: from their rows and their logs.
    select {", ".join(what for _kind, what in PRESENT.values())}
    from cases_case c
    cross join lateral cases_firsts(c.id) f
    cross join lateral (select cases_standing(c.state) as kind) k
    left join grids_grid g on g.id = c.grid_id
    left join geo_user u on u.id = c.reporter_id
    left join geo_organisation o on o.id = u.organisation_id
    where c.id = any(ids)
$$;
"""

_LIST = ", ".join(PRESENT)
_SAME = "({}) is not distinct from ({})".format(
    ", ".join(f"f.{name}" for name in STANDING), ", ".join(f"excluded.{name}" for name in STANDING)
)
_OTHER = "({}) is distinct from ({})".format(
    ", ".join(f"f.{name}" for name in STANDING), ", ".join(f"p.{name}" for name in STANDING)
)
# The company is the one of then; a limit to take an order is that of the first order.
_KEPT = ("case_id", "company_id", "take_due_at")
NOTE = f"""
create function cases_note_facts() returns trigger language plpgsql as $$
declare
    ids bigint[];
begin
    select array_agg(distinct case_id) into ids from lines;
    with last as (select case_id, max(at) as at from lines group by case_id),
    p as materialized (select * from cases_present(ids)),
    -- What was true until now becomes history.
    past as (
        insert into cases_casespell (case_id, since, until, {", ".join(STANDING)})
        select f.case_id, f.since, last.at, {", ".join(f"f.{name}" for name in STANDING)}
        from cases_casefact f join last using (case_id) join p using (case_id)
        where f.since < last.at and {_OTHER}
    )
    insert into cases_casefact as f (since, ended_at, {_LIST})
    select last.at, case when p.kind in ('e', 'x') then last.at end, {", ".join(f"p.{n}" for n in PRESENT)}
    from p join last using (case_id)
    on conflict (case_id) do update set
        since = case when {_SAME} then f.since else excluded.since end,
        ended_at = case when {_SAME} then f.ended_at else excluded.ended_at end,
        take_due_at = coalesce(f.take_due_at, excluded.take_due_at),
        {", ".join(f"{name} = excluded.{name}" for name in PRESENT if name not in _KEPT)};

    -- Looks on the spot: done, not needed any more, or asked for.
    update cases_casecheck k
    set done_at = v.at, passed = v.action in ('verify_true', 'verify_pass'),
        person_id = coalesce(v.actor_id, k.person_id),
        company_id = case when v.actor_id is null then k.company_id else (
            select o.id from geo_user u join geo_organisation o on o.id = u.organisation_id
            where u.id = v.actor_id and o.kind = 'company') end
    from (
        select distinct on (case_id) case_id, action, at, actor_id from lines
        where action in ('verify_true', 'verify_false', 'verify_pass', 'verify_fail') order by case_id, id
    ) v
    where k.case_id = v.case_id and k.done_at is null and k.cancelled_at is null;

    update cases_casecheck k set cancelled_at = last.at
    from (select case_id, max(at) as at from lines group by case_id) last
    join cases_case c on c.id = last.case_id
    where k.case_id = last.case_id and k.done_at is null and k.cancelled_at is null
      and c.state <> 'verifying_' || k.kind;

    insert into cases_casecheck (case_id, kind, asked_at, due_at, person_id, company_id, unit_id)
    select c.id, substr(c.state, 11), a.at, c.due_at, c.verifier_id,
        (select o.id from geo_user u join geo_organisation o on o.id = u.organisation_id
         where u.id = c.verifier_id and o.kind = 'company'),
        coalesce(c.lead_unit_id, c.holder_unit_id)
    from (
        select distinct on (case_id) case_id, at from lines
        where to_state in ('verifying_before', 'verifying_after') order by case_id, id desc
    ) a
    join cases_case c on c.id = a.case_id
    where c.state in ('verifying_before', 'verifying_after') and c.due_at is not null
    on conflict (case_id, kind) where done_at is null and cancelled_at is null
    do update set person_id = excluded.person_id, company_id = excluded.company_id;
    return null;
end $$;
create trigger cases_note_facts after insert on cases_transition
    referencing new table as lines for each statement execute function cases_note_facts();
"""

# Borders and desks change without a line in the log of an ended case.
FOLLOW = """
create function cases_follow_place() returns trigger language plpgsql as $$
begin
    update cases_casefact f set here_code = p.here_code, desk_code = p.desk_code, area_code = p.area_code,
        grid_code = p.grid_code, place = p.place
    from cases_present(array[new.id]) p
    where f.case_id = new.id;
    return null;
end $$;
create trigger cases_follow_place after update on cases_case for each row
    when (old.area_code is distinct from new.area_code or old.desk_code is distinct from new.desk_code
        or old.grid_id is distinct from new.grid_id)
    execute function cases_follow_place();
"""
BACK = """
drop function cases_follow_place() cascade;
drop function cases_note_facts() cascade;
drop function cases_present(bigint[]);
drop function cases_firsts(bigint);
drop function cases_standing(text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("assets", "0007_unit_grid_unindexed"),
        ("cases", "0030_public"),
        ("geo", "0007_former_passwords"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportTemplate",
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
                        choices=[("bulletin", "Work bulletin"), ("concern", "Public-concern report")],
                        max_length=10,
                        verbose_name="report",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("file", models.FileField(upload_to="report-templates/", verbose_name="Word file")),
                ("active", models.BooleanField(default=True, verbose_name="active")),
                ("uploaded_at", models.DateTimeField(auto_now_add=True)),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "report template",
                "verbose_name_plural": "report templates",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="CaseCheck",
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
                        choices=[("before", "Verify before filing"), ("after", "Check before closing")],
                        max_length=6,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                ("cancelled_at", models.DateTimeField(null=True)),
                ("passed", models.BooleanField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="checks",
                        to="cases.case",
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="geo.organisation",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="geo.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "look on the spot",
                "verbose_name_plural": "looks on the spot",
                "indexes": [
                    models.Index(fields=["due_at", "kind"], name="cases_casecheck_due"),
                    models.Index(fields=["case", "asked_at"], name="cases_casecheck_case"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("cancelled_at", None), ("done_at", None)),
                        fields=("case", "kind"),
                        name="cases_casecheck_one_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CaseFact",
            fields=[
                ("since", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("r", "To be accepted"),
                            ("d", "With a desk"),
                            ("u", "With a unit"),
                            ("p", "Paused"),
                            ("h", "Handled"),
                            ("a", "Passed, to be rated"),
                            ("e", "Ended"),
                            ("x", "Refused or void"),
                        ],
                        max_length=1,
                    ),
                ),
                ("handle_due_at", models.DateTimeField(null=True)),
                ("close_due_at", models.DateTimeField(null=True)),
                ("handled_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="fact",
                        serialize=False,
                        to="cases.case",
                    ),
                ),
                ("flow", models.CharField(max_length=30)),
                ("source", models.CharField(max_length=12)),
                ("area_code", models.CharField(blank=True, max_length=12)),
                ("grid_code", models.CharField(blank=True, max_length=15)),
                ("place", models.CharField(blank=True, max_length=15)),
                ("here_code", models.CharField(blank=True, max_length=12)),
                ("desk_code", models.CharField(blank=True, max_length=12)),
                ("self_handled", models.BooleanField(default=False)),
                ("auto_dispatched", models.BooleanField(default=False)),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("reported_at", models.DateTimeField(null=True)),
                ("accepted_at", models.DateTimeField(null=True)),
                ("rejected_at", models.DateTimeField(null=True)),
                ("filed_at", models.DateTimeField(null=True)),
                ("dispatched_at", models.DateTimeField(null=True)),
                ("voided_at", models.DateTimeField(null=True)),
                ("merged_at", models.DateTimeField(null=True)),
                ("self_closed_at", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("reworked_at", models.DateTimeField(null=True)),
                ("extended_at", models.DateTimeField(null=True)),
                ("supervised_at", models.DateTimeField(null=True)),
                ("self_handled_at", models.DateTimeField(null=True)),
                ("escalated_at", models.DateTimeField(null=True)),
                ("whistled_at", models.DateTimeField(null=True)),
                ("take_due_at", models.DateTimeField(null=True)),
                ("taken_at", models.DateTimeField(null=True)),
                ("sent_back_at", models.DateTimeField(null=True)),
                ("unrated_at", models.DateTimeField(null=True)),
                (
                    "company",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="geo.organisation",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "type",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="assets.itemtype",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="geo.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "case in statistics",
                "verbose_name_plural": "cases in statistics",
                "indexes": [
                    django.contrib.postgres.indexes.GistIndex(
                        models.Func(
                            models.F("began_at"),
                            models.F("ended_at"),
                            models.Value("[]"),
                            function="tstzrange",
                        ),
                        name="cases_casefact_life",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CaseSpell",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("r", "To be accepted"),
                            ("d", "With a desk"),
                            ("u", "With a unit"),
                            ("p", "Paused"),
                            ("h", "Handled"),
                            ("a", "Passed, to be rated"),
                            ("e", "Ended"),
                            ("x", "Refused or void"),
                        ],
                        max_length=1,
                    ),
                ),
                ("handle_due_at", models.DateTimeField(null=True)),
                ("close_due_at", models.DateTimeField(null=True)),
                ("handled_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("until", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spells",
                        to="cases.case",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="geo.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "earlier standing of a case",
                "verbose_name_plural": "earlier standings of cases",
                "indexes": [models.Index(fields=["case", "since"], name="cases_casespell_case")],
            },
        ),
        migrations.CreateModel(
            name="Report",
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
                        choices=[("bulletin", "Work bulletin"), ("concern", "Public-concern report")],
                        max_length=10,
                        verbose_name="report",
                    ),
                ),
                ("title", models.CharField(max_length=120, verbose_name="title")),
                ("area_code", models.CharField(max_length=15, verbose_name="area")),
                ("start", models.DateField(verbose_name="from")),
                ("end", models.DateField(verbose_name="to")),
                ("content", models.JSONField(default=dict)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "output",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="report",
                        to="geo.output",
                    ),
                ),
            ],
            options={
                "verbose_name": "report of statistics",
                "verbose_name_plural": "reports of statistics",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["made_by", "-id"], name="cases_report_mine")],
            },
        ),
        migrations.RunSQL(KIND + FIRST_TIMES + NOW + NOTE + FOLLOW, BACK),
    ]
