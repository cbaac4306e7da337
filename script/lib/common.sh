# Shared by the commands in script/. Sourced by bash, never run.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

# The data directory: as geo/data_dir.py has it.
default_data_dir() {
  if [ "$(id -u)" = 0 ]; then
    echo /var/lib/wangge
  else
    echo "${XDG_DATA_HOME:-$HOME/.local/share}/wangge"
  fi
}

die() {
  printf 'wangge: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '        %s\n' "$line" >&2; done
  exit 1
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
