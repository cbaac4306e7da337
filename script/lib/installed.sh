# For the commands that work on an installation script/server made: its directory, database and code.
# shellcheck shell=bash

. "$LIB/packages.sh"
. "$LIB/database.sh"
. "$LIB/services.sh"

open_installation() {
  EMBEDDED=1
  if [ -n "${DATABASE_URL:-}" ]; then EMBEDDED=0; fi
  local data="${WANGGE_DATA:-$(default_data_dir)}"
  [ -x "$data/venv/bin/python" ] || die "there is no installation in $data." \
    "Run script/server first, or name another data directory: WANGGE_DATA=/some/where $0"
  if [ "$EMBEDDED" = 1 ] && [ ! -f "$data/pg/PG_VERSION" ]; then
    die "there is no embedded database in $data." "Set DATABASE_URL as script/server had it."
  fi
  prepare_data_dir
  if [ "$EMBEDDED" = 1 ]; then
    find_postgres || die "the database is of PostgreSQL $(cat "$data/pg/PG_VERSION"), which is not installed here." \
      "Install postgresql-$(cat "$data/pg/PG_VERSION")-postgis-3."
  else
    PG_BIN="$(dirname "$(command -v pg_dump || echo /usr/bin/pg_dump)")"
  fi
  if is_root && ! as_service test -r "$ROOT/manage.py"; then APP="$WANGGE_DATA/app"; fi
  LIB_RUN="$APP/script/lib"
  export_environment
}

# The embedded database, started for this command if it does not run, and stopped with it then.
need_database() {
  [ "$EMBEDDED" = 1 ] || return 0
  if [ -z "$(supervisor_pid)" ]; then
    write_services database none
    trap 'stop_supervisor || true' EXIT
    step "Starting the database" start_supervisor
  fi
  step "Waiting for the database" wait_for_postgres
}
