# The project's own PostGIS cluster, or the server that DATABASE_URL names.
# shellcheck shell=bash

PG_PORT=54321

export PGOPTIONS="${PGOPTIONS:---client-min-messages=warning}"
# From a directory the services' user may be in: psql complains of another.
psql_do() { (cd "$WANGGE_DATA" && as_service psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$LIBPQ_URL" "$@"); }
# As the cluster's superuser, who owns nothing of ours: the application's role is no superuser.
psql_admin() {
  (cd "$WANGGE_DATA" && as_service psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$SOCKETS" -p "$PG_PORT" -U postgres "$@")
}
postgres_answers() { as_service "$PG_BIN/pg_isready" -q -h "$SOCKETS" -p "$PG_PORT"; }

# Memory this machine or container may use, in MB.
memory_mb() {
  local all limit
  all=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
  # By control groups of version 2, or of version 1.
  limit=$(cat /sys/fs/cgroup/{memory.max,memory/memory.limit_in_bytes} 2>/dev/null | head -n 1 || true)
  if [[ "$limit" =~ ^[0-9]+$ ]] && [ $((limit / 1048576)) -lt "$all" ]; then all=$((limit / 1048576)); fi
  echo "$all"
}

create_cluster() {
  local data="$WANGGE_DATA/pg"
  if [ ! -f "$data/PG_VERSION" ]; then
    rm -rf "$data.new"
    as_service "$PG_BIN/initdb" -D "$data.new" -U postgres -A trust --encoding=UTF8 --locale=C.UTF-8 ${INITDB_OPTIONS:-}
    as_service tee -a "$data.new/postgresql.conf" >/dev/null <<'CONF'

# wangge.conf is written anew at every start; put your own settings into local.conf.
include = 'wangge.conf'
include_if_exists = 'local.conf'
CONF
    as_service mv "$data.new" "$data"
  fi
  local memory shared cache compression
  memory=${PG_MEMORY_MB:-$(memory_mb)}
  shared=$((memory / 4 > 8192 ? 8192 : memory / 4))
  cache=$((memory * 6 / 10))
  # What the server was built with. The older way takes half a millisecond for a page, ten times as long.
  case "$(ldd "$PG_BIN/postgres")" in *liblz4*) compression=lz4 ;; *) compression=pglz ;; esac
  as_service tee "$data/wangge.conf" >/dev/null <<CONF
# Written by script/server for $memory MB of memory. Your own settings belong into local.conf.
listen_addresses = ''
port = $PG_PORT
unix_socket_directories = '$SOCKETS'
unix_socket_permissions = 0700
max_connections = 200
# Publishing a plan takes an advisory lock for each community and each partition it touches.
max_locks_per_transaction = 512
shared_buffers = ${shared}MB
effective_cache_size = ${cache}MB
work_mem = 16MB
maintenance_work_mem = $((memory / 32 > 1024 ? 1024 : memory / 32 < 64 ? 64 : memory / 32))MB
random_page_cost = 1.1
# Compiling a query costs more than any of ours takes.
jit = off
# An acknowledged report must survive.
fsync = ${PG_FSYNC:-on}
synchronous_commit = ${PG_FSYNC:-on}
full_page_writes = ${PG_FSYNC:-on}
wal_compression = $compression
default_toast_compression = $compression
min_wal_size = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %a '
# Statements carry names, telephone numbers and positions: they stay out of the log.
log_min_duration_statement = -1
log_min_error_statement = panic
log_checkpoints = off
logging_collector = off
CONF
}

wait_for_postgres() {
  local deadline=$((SECONDS + 300))
  until postgres_answers; do
    [ "$SECONDS" -lt "$deadline" ] || { tail -n 20 "$WANGGE_DATA/log/postgres.log"; return 1; }
    tail -n 1 "$WANGGE_DATA/log/postgres.log" 2>/dev/null || true
    sleep 0.2
  done
}

create_database() {
  psql_admin -d postgres <<'SQL'
do $$ begin
  if not exists (select from pg_roles where rolname = 'wangge') then
    create role wangge login createrole createdb;
  end if;
end $$;
-- A restore that was killed may have left it more than that.
alter role wangge nosuperuser;
SQL
  if [ "$(psql_admin -d postgres -c "select 1 from pg_database where datname = 'wangge'")" != 1 ]; then
    psql_admin -d postgres -c "create database wangge owner wangge template template0 encoding 'UTF8' locale 'C.UTF-8'"
  fi
  psql_admin -d wangge -c "create extension if not exists postgis"
}

check_external_database() {
  local version
  version=$(psql_do -c "select current_setting('server_version_num')::int / 10000") || die \
    "the server that DATABASE_URL names does not answer." "Check DATABASE_URL (postgis://user:password@host:port/database)."
  [ "$version" -ge 15 ] || die "PostgreSQL $version is too old; 15 or newer is needed."
  if [ "$(psql_do -c "select count(*) from pg_extension where extname = 'postgis'")" = 0 ]; then
    psql_do -c "create extension postgis" || die \
      "the database that DATABASE_URL names has no PostGIS, and its user may not create it." \
      "As a superuser of that server: psql -d DATABASE -c 'create extension postgis'" \
      "(if that says it is not available, install postgresql-$version-postgis-3 there)"
  fi
}

# What script/server has done to this database, so that it does it once.
mark() { psql_do -c "create table if not exists wangge_installed (name text primary key, value text, at timestamptz not null default now())" \
  -c "insert into wangge_installed (name, value) values ('$1', '$2') on conflict (name) do update set value = excluded.value, at = now()"; }
marked() {
  if [ "$(psql_do -c "select to_regclass('wangge_installed') is not null")" = t ]; then
    psql_do -c "select value from wangge_installed where name = '$1'"
  fi
}

# Whether somebody's city is in the database already.
has_areas() {
  [ "$(psql_do -c "select to_regclass('geo_area') is not null")" = t ] &&
    [ "$(psql_do -c "select exists (select from geo_area)")" = t ]
}

has_command() { [ -n "$(find "$ROOT" -path "*/management/commands/$1.py" -not -path '*/node_modules/*' -print -quit)" ]; }

bring_up_to_date() {
  manage migrate --noinput
  if has_command load_code_tables; then manage load_code_tables; fi
  mark code "$1"
}

collect_static() {
  if [ "$(cat "$WANGGE_DATA/static/.wangge" 2>/dev/null)" != "$1" ]; then
    manage collectstatic --noinput --clear -v 0
    echo "$1" | as_service tee "$WANGGE_DATA/static/.wangge" >/dev/null
  fi
}

load_demo() {
  mark demo loading
  manage load_demo
  # Of the system catalogues only a superuser may; those are none of ours.
  psql_do -c "set client_min_messages = error" -c "analyze"
  mark demo loaded
}
