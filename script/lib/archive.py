"""The archive that script/backup writes and script/restore takes.

    archive.py backup URL PG_BIN DATA FILE
    archive.py unpack FILE DIRECTORY
    archive.py restore URL PG_BIN DIRECTORY
    archive.py bucket DATA
    archive.py bucket-of DIRECTORY

The last two say in which S3 bucket the files lie, if they lie in one: an installation's, an archive's.

A plain tar: ``manifest.json`` (versions, rows of each table, checksum of the dump), ``database.dump``
(pg_dump's custom format), ``secrets.json``, ``media/``. Dump and counts come from one snapshot. Files are
copied after it: a row is written after its file, so every file that a dumped row names is there.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import psycopg
from psycopg import sql

FORMAT = 1
# A trigger's "when (old.geom is distinct from new.geom)" finds PostGIS's operator in the search path alone,
# which pg_restore empties: triggers, and the comments on them, are restored with a search path.
TRIGGER = re.compile(r"^\d+; \d+ \d+ (TRIGGER|COMMENT \S+ TRIGGER) ")
# PostGIS itself with its table of systems: in a database of somebody else's a superuser made and filled it.
POSTGIS = re.compile(
    r"^\d+; \d+ \d+ (EXTENSION - postgis |COMMENT - EXTENSION postgis |TABLE DATA \S+ spatial_ref_sys )"
)
# What the database's own settings of a role are worth: a time limit, no parallel query.
ROLES = """
    select distinct role.rolname, coalesce(setting.setconfig, '{}') as settings
    from pg_shdepend dependency
    join pg_roles role on role.oid = dependency.refobjid
    left join pg_db_role_setting setting on setting.setrole = role.oid and setting.setdatabase = 0
    where dependency.refclassid = 'pg_authid'::regclass
      and dependency.dbid = (select oid from pg_database where datname = current_database())
      and role.rolname <> current_user and role.rolname !~ '^pg_' and role.rolname <> 'postgres'
"""


def tables(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """Tables that hold rows of their own and belong to no extension."""
    return connection.execute(
        """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
             and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
           order by 1, 2"""
    ).fetchall()


def count(connection: psycopg.Connection) -> dict[str, int]:
    return {
        f"{schema}.{table}": connection.execute(
            sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
        ).fetchone()[0]
        for schema, table in tables(connection)
    }


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bucket(data: Path) -> str:
    """The S3 bucket in which the services keep photos; "" if they lie in the data directory."""
    try:
        services = json.loads((data / "run" / "services.json").read_text())
    except (FileNotFoundError, ValueError):
        services = []
    kept = next((spec["env"] for spec in services if spec["name"] == "web"), {})
    return os.environ.get("WANGGE_S3_BUCKET") or kept.get("WANGGE_S3_BUCKET", "")


def run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"{Path(command[0]).name} failed")


def backup(url: str, binaries: str, data: Path, target: Path) -> None:
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix=".wangge-backup-", dir=target.parent) as scratch:
        dump = Path(scratch, "database.dump")
        with psycopg.connect(url) as connection:
            connection.execute("set transaction isolation level repeatable read")
            snapshot = connection.execute("select pg_export_snapshot()").fetchone()[0]
            print("dumping the database", flush=True)
            run([f"{binaries}/pg_dump", "-Fc", f"--snapshot={snapshot}", "-f", str(dump), url])
            manifest = {
                "format": FORMAT,
                "made": datetime.now(UTC).isoformat(timespec="seconds"),
                "postgresql": connection.info.server_version,
                "postgis": connection.execute("select postgis_lib_version()").fetchone()[0],
                "roles": dict(connection.execute(ROLES).fetchall()),
                "rows": count(connection),
                "dump_sha256": digest(dump),
                "bucket": bucket(data),
            }
        Path(scratch, "manifest.json").write_text(json.dumps(manifest, indent=1))
        partial = Path(scratch, "archive")
        print("adding the files", flush=True)
        with tarfile.open(partial, "w") as archive:
            for name in ("manifest.json", "database.dump"):
                archive.add(Path(scratch, name), name)
            for name in ("secrets.json", "media"):
                if (data / name).exists():
                    archive.add(data / name, name)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, target)


def take_out(archive: tarfile.TarFile, member: tarfile.TarInfo, directory: Path) -> None:
    """Write one member, if it is a plain file or folder that we write: an archive may come from anywhere."""
    path = PurePosixPath(member.name)
    ours = path.parts[:1] in [(name,) for name in ("manifest.json", "database.dump", "secrets.json", "media")]
    if not ours or ".." in path.parts or not (member.isfile() or member.isdir()):
        raise SystemExit(f"{archive.name}: {member.name} has no business in it")
    target = directory / path
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.extractfile(member) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)


def unpack(source: Path, directory: Path) -> None:
    try:
        with tarfile.open(source) as archive:
            first = archive.next()
            if first is None or first.name != "manifest.json":
                raise SystemExit(f"{source} was not written by script/backup")
            take_out(archive, first, directory)
            for member in archive:
                take_out(archive, member, directory)
    except (tarfile.TarError, AttributeError, EOFError) as error:
        raise SystemExit(f"{source} is no archive, or it is broken: {error}") from None
    manifest = json.loads((directory / "manifest.json").read_text())
    if manifest["format"] > FORMAT:
        raise SystemExit(f"{source} was written by a newer version")
    if digest(directory / "database.dump") != manifest["dump_sha256"]:
        raise SystemExit(f"{source}: the database in it is damaged")


def restore(url: str, binaries: str, directory: Path) -> None:
    manifest = json.loads((directory / "manifest.json").read_text())
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.info.server_version // 10000 < manifest["postgresql"] // 10000:
            raise SystemExit(
                f"the archive is from PostgreSQL {manifest['postgresql'] // 10000}, this is an older one"
            )
        superuser = connection.execute(
            "select rolsuper from pg_roles where rolname = current_user"
        ).fetchone()[0]
        for role, settings in manifest["roles"].items():
            name = sql.Identifier(role)
            if not connection.execute("select from pg_roles where rolname = %s", [role]).rowcount:
                connection.execute(sql.SQL("create role {} nologin").format(name))
                connection.execute(sql.SQL("grant {} to current_user").format(name))
            for setting in settings:
                key, _, value = setting.partition("=")
                connection.execute(
                    sql.SQL("alter role {} set {} = {}").format(name, sql.Identifier(key), sql.Literal(value))
                )
    command = [f"{binaries}/pg_restore", "--no-owner", "--exit-on-error"]
    dump = str(directory / "database.dump")
    listed = subprocess.run(
        [f"{binaries}/pg_restore", "-l", dump], capture_output=True, text=True, check=True
    )
    triggers, rest = directory / "triggers.list", directory / "rest.list"
    lines = [line for line in listed.stdout.splitlines() if not line.startswith(";")]
    if not superuser:
        lines = [line for line in lines if not POSTGIS.search(line)]
    triggers.write_text("\n".join(line for line in lines if TRIGGER.search(line)) + "\n")
    rest.write_text("\n".join(line for line in lines if not TRIGGER.search(line)) + "\n")
    jobs = str(min(4, os.cpu_count() or 1))
    run([*command, "-j", jobs, "-L", str(rest), "-d", url, dump])
    script = subprocess.run(
        [*command, "-L", str(triggers), "-f", "-", dump], capture_output=True, text=True, check=True
    )
    # Lines with a backslash are psql's own.
    statements = "\n".join(
        line
        for line in script.stdout.splitlines()
        if "'search_path', ''" not in line and not line.startswith("\\")
    )
    with psycopg.connect(url) as connection:
        connection.execute("set search_path = public")
        connection.execute(statements)
    with psycopg.connect(url, autocommit=True) as connection:
        found = count(connection)
        wanted = manifest["rows"]
        wrong = {name: (rows, found.get(name)) for name, rows in wanted.items() if found.get(name) != rows}
        if wrong:
            raise SystemExit(f"rows are missing (table: in the archive, restored): {wrong}")
        connection.execute("analyze")
    print(f"{sum(found.values())} rows in {len(found)} tables, as in the archive")


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "backup":
        backup(words[0], words[1], Path(words[2]), Path(words[3]))
    elif command == "unpack":
        unpack(Path(words[0]), Path(words[1]))
    elif command == "bucket":
        print(bucket(Path(words[0])))
    elif command == "bucket-of":
        print(json.loads(Path(words[0], "manifest.json").read_text()).get("bucket", ""))
    else:
        restore(words[0], words[1], Path(words[2]))
