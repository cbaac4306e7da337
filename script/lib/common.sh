# Shared by the commands in script/. Sourced by bash, never run.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
LIB="$ROOT/script/lib"
# Where the code runs from: the checkout, or its copy where the services' user cannot read the checkout.
APP="$ROOT"
SERVICE_USER=wangge

# The data directory: as geo/data_dir.py has it.
default_data_dir() {
  if [ "$(id -u)" = 0 ]; then
    echo /var/lib/wangge
  else
    echo "${XDG_DATA_HOME:-$HOME/.local/share}/wangge"
  fi
}

# First argument: what went wrong. The others: the way out, a line each.
die() {
  printf '\nwangge: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '        %s\n' "$line" >&2; done
  exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

# Runs a command as the services' user: PostgreSQL refuses root, and the web has no business being root.
# Nobody's HOME but the data directory's is theirs.
as_service() {
  if is_root; then
    setpriv --reuid="$SERVICE_USER" --regid="$SERVICE_USER" --clear-groups env HOME="$WANGGE_DATA" "$@"
  else
    "$@"
  fi
}

as_root() {
  if is_root; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root, and there is no sudo: $*" "Run it as root once, then script/server again."
  fi
}

# A Python that has the project's packages: one named by WANGGE_PYTHON, an active or local virtual
# environment, the one script/server made, or the system's.
project_python() {
  local data="${WANGGE_DATA:-$(default_data_dir)}" candidate
  for candidate in "${WANGGE_PYTHON:-}" "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python}" "$ROOT/.venv/bin/python" \
    "$data/venv/bin/python" "$(command -v python3 || true)"; do
    if [ -n "$candidate" ] && [ -x "$candidate" ] && "$candidate" -c 'import django, polib' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  die "no Python with the project's packages was found." \
    "Run script/server once, or make one: python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt"
}

# step TITLE COMMAND...: one line with the time taken, every ten seconds the last word of the log, and on
# failure the end of the log. The command runs in a subshell: it cannot set variables for the caller.
step() {
  local title="$1" begin end ticker status=0 worker from
  shift
  from=$(($(wc -l <"$SETUP_LOG" 2>/dev/null || echo 0) + 1))
  begin=$(date +%s%N)
  printf '%s %s ' "$title" "$(printf '%*s' $((46 - ${#title})) '' | tr ' ' .)"
  # A process group of its own: Ctrl-C ends the step with all it started, not this shell alone.
  set -m
  ("$@") >>"$SETUP_LOG" 2>&1 </dev/null 9>&- &
  worker=$!
  set +m
  (
    count=0
    while sleep 10 >/dev/null 2>&1; do
      count=$((count + 10))
      printf '\n  %3s s  %s ' "$count" "$(tail -n 1 "$SETUP_LOG" 2>/dev/null | tr -d '\r' | cut -c1-100)"
    done
  ) 9>&- &
  ticker=$!
  # shellcheck disable=SC2064
  trap "kill -- -$worker 2>/dev/null; kill $ticker 2>/dev/null; printf '\n'; exit 130" INT TERM
  wait "$worker" || status=$?
  trap - INT TERM
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  end=$(date +%s%N)
  if [ "$status" = 0 ]; then
    printf '%s s\n' "$(((end - begin) / 1000000000)).$((((end - begin) / 100000000) % 10))"
  else
    printf 'FAILED\n\n'
    tail -n "+$from" "$SETUP_LOG" | tail -n 25 | sed 's/^/    /' >&2
    die "\"$title\" failed; the whole record is in $SETUP_LOG." "${HINT:-Mend what it says and run the command again: it goes on where it stopped.}"
  fi
}

# Names, owners and rights of the data directory; then the lock that keeps two commands apart.
prepare_data_dir() {
  export WANGGE_DATA="${WANGGE_DATA:-$(default_data_dir)}"
  [[ "$WANGGE_DATA" =~ ^[A-Za-z0-9/._+@-]+$ ]] || die "the data directory's name may hold letters, digits and / . _ + @ - only: $WANGGE_DATA"
  mkdir -p "$WANGGE_DATA" 2>/dev/null || die "the data directory $WANGGE_DATA cannot be made." \
    "Name another one: WANGGE_DATA=/some/where script/server"
  WANGGE_DATA="$(cd "$WANGGE_DATA" && pwd -P)"
  if is_root && ! id "$SERVICE_USER" >/dev/null 2>&1; then
    command -v useradd >/dev/null || die "useradd is missing." "apt-get install passwd"
    useradd --system --user-group --home-dir "$WANGGE_DATA" --no-create-home --shell /usr/sbin/nologin "$SERVICE_USER"
  fi
  [ -w "$WANGGE_DATA" ] || die "$(id -un) may not write into the data directory $WANGGE_DATA." \
    "As root: chown -R $(id -u):$(id -g) $WANGGE_DATA; or name another one: WANGGE_DATA=/some/where script/server"
  mkdir -p "$WANGGE_DATA"/{log,run,media,tiles,basemaps,static,nginx,tls}
  touch "$WANGGE_DATA/log/setup.log" "$WANGGE_DATA/.lock"
  if is_root; then
    chown "$SERVICE_USER:$SERVICE_USER" "$WANGGE_DATA" "$WANGGE_DATA"/{log,run,media,tiles,basemaps,static,nginx,tls}
    as_service test -w "$WANGGE_DATA/run" || die \
      "the services' user $SERVICE_USER cannot get into $WANGGE_DATA: a directory above it is closed to others." \
      "Open it (chmod o+x), or name another one: WANGGE_DATA=/var/lib/wangge script/server"
  fi
  chmod 0750 "$WANGGE_DATA"
  chmod 0700 "$WANGGE_DATA"/{run,tls}
  SETUP_LOG="$WANGGE_DATA/log/setup.log"
  exec 9>"$WANGGE_DATA/.lock"
  flock -n 9 || die "another command is at work on $WANGGE_DATA." "Wait until it is done, then run this again."
  if [ "$(stat -c %s "$SETUP_LOG")" -gt 5000000 ]; then mv "$SETUP_LOG" "$SETUP_LOG.1"; touch "$SETUP_LOG"; fi
  # On a full disk the commands must still be able to say so, and to stop.
  printf '\n--- %s %s\n' "$(date -u +%FT%TZ)" "$0" 2>/dev/null >>"$SETUP_LOG" || true
  find_sockets
}

# A socket's whole path must stay under 108 bytes; a long data directory gets a short one under /tmp.
find_sockets() {
  SOCKETS="$WANGGE_DATA/run"
  if [ "${#SOCKETS}" -gt 88 ]; then
    local kept="$WANGGE_DATA/run/sockets-dir"
    if [ -f "$kept" ] && [ -d "$(cat "$kept")" ]; then
      SOCKETS="$(cat "$kept")"
    else
      SOCKETS="$(mktemp -d /tmp/wangge-XXXXXXXX)"
      if is_root; then chown "$SERVICE_USER:$SERVICE_USER" "$SOCKETS"; fi
      echo "$SOCKETS" >"$kept"
    fi
  fi
}

# check_disk MEGABYTES: a full disk is said before it stops PostgreSQL in the middle.
check_disk() {
  local free
  free=$(df -Pm "$WANGGE_DATA" | awk 'NR==2 {print $4}')
  [ "$free" -ge "$1" ] || die "only $free MB are free on the disk of $WANGGE_DATA; $1 MB are needed." \
    "Make room, or put the data elsewhere: WANGGE_DATA=/some/where script/server" \
    "What takes most: du -xh --max-depth=1 $WANGGE_DATA | sort -h"
}

# What Django and its kin need to know, for this shell and for the services.
export_environment() {
  export DJANGO_SETTINGS_MODULE=geo.settings PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8
  export WANGGE_DATA WANGGE_PROXY=1
  if [ "$EMBEDDED" = 1 ]; then
    DATABASE_URL="postgis://wangge@$(printf %s "$SOCKETS" | sed 's,/,%2F,g'):54321/wangge"
  fi
  export DATABASE_URL
  # libpq does not know Django's scheme, and a password has no business in the list of processes.
  LIBPQ_URL="postgresql://${DATABASE_URL#*://}"
  if [[ "$LIBPQ_URL" =~ ^(postgresql://[^:@/]+):([^@/]+)(@.*)$ ]]; then
    LIBPQ_URL="${BASH_REMATCH[1]}${BASH_REMATCH[3]}"
    PGPASSWORD="$(printf '%b' "${BASH_REMATCH[2]//%/\\x}")"
    export PGPASSWORD
  fi
  unset PYTHONPATH PYTHONHOME VIRTUAL_ENV
}

manage() { (cd "$APP" && as_service "$WANGGE_DATA/venv/bin/python" manage.py "$@"); }
