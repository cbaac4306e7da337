# What the machine must have: Debian packages, Python packages, the browser's modules.
# shellcheck shell=bash

# The newest PostgreSQL of which both the server and its PostGIS are installed; a cluster's own version first.
find_postgres() {
  local version wanted=""
  if [ -f "$WANGGE_DATA/pg/PG_VERSION" ]; then wanted="$(cat "$WANGGE_DATA/pg/PG_VERSION")"; fi
  for version in ${wanted:-$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -rn)}; do
    if [ -x "/usr/lib/postgresql/$version/bin/postgres" ] &&
      [ -f "/usr/share/postgresql/$version/extension/postgis.control" ]; then
      PG_VERSION="$version"
      PG_BIN="/usr/lib/postgresql/$version/bin"
      return 0
    fi
  done
  return 1
}

# An interpreter the services' user can run, new enough and able to make virtual environments.
find_python() {
  local candidate
  for candidate in "$(command -v python3 || true)" /usr/bin/python3; do
    if [ -n "$candidate" ] && as_service "$candidate" -c \
      'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      PYTHON="$candidate"
      return 0
    fi
  done
  return 1
}

node_is_good() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)' 2>/dev/null
}

# Sets MISSING to the Debian packages that are not there, by what they bring.
missing_packages() {
  MISSING=()
  if [ "$EMBEDDED" = 1 ]; then
    if ! find_postgres; then
      if [ -f "$WANGGE_DATA/pg/PG_VERSION" ]; then
        MISSING+=("postgresql-$(cat "$WANGGE_DATA/pg/PG_VERSION")-postgis-3")
      else
        MISSING+=("postgresql-$(debian_postgres)-postgis-3")
      fi
    fi
  elif ! command -v pg_dump >/dev/null; then
    MISSING+=(postgresql-client)
  fi
  find_python || MISSING+=(python3 python3-venv)
  [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || MISSING+=(nginx-light)
  if [ -f "$ROOT/package.json" ]; then
    command -v node >/dev/null || MISSING+=(nodejs)
    command -v npm >/dev/null || MISSING+=(npm)
  fi
  [ -n "$(find /usr/share/fonts -name 'wqy-microhei*' -print -quit 2>/dev/null)" ] || MISSING+=(fonts-wqy-microhei)
  command -v openssl >/dev/null || MISSING+=(openssl)
  [ -f /etc/ssl/certs/ca-certificates.crt ] || MISSING+=(ca-certificates)
  return 0
}

# The PostgreSQL of this Debian.
debian_postgres() {
  # shellcheck disable=SC1091
  case "$(. /etc/os-release && echo "${ID:-}${VERSION_ID:-}")" in
    debian12) echo 15 ;;
    debian13) echo 17 ;;
    ubuntu24.04) echo 16 ;;
    *) die "this system is neither Debian 12 or 13 nor Ubuntu 24.04; packages cannot be installed for it." \
      "Install PostgreSQL with PostGIS 3, Python 3.11 or newer with venv, nginx, Node 18 or newer with npm, then run this again." ;;
  esac
}

# Debian starts what it installs: a PostgreSQL cluster on 5432 and an nginx on 80 that nobody asked for.
# The refusal is for the time of the installation only; one left by a hard kill is known by its second line.
POLICY=/usr/sbin/policy-rc.d
forbid_service_starts() {
  if [ ! -e "$POLICY" ]; then
    printf '#!/bin/sh\n# wangge: while packages are installed\nexit 101\n' | as_root tee "$POLICY" >/dev/null
    as_root chmod 0755 "$POLICY"
  fi
}
allow_service_starts() {
  if grep -qs '^# wangge:' "$POLICY"; then as_root rm -f "$POLICY"; fi
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  command -v apt-get >/dev/null || die "there is no apt-get here." "Install by hand: ${MISSING[*]}"
  trap allow_service_starts EXIT
  forbid_service_starts
  if [[ " ${MISSING[*]} " == *" postgresql-"*"-postgis"* ]] && ! dpkg -s postgresql-common >/dev/null 2>&1; then
    as_root mkdir -p /etc/postgresql-common
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
      echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
  fi
  as_root apt-get update -q || echo "apt-get update failed; going on with the lists that are there"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "${MISSING[@]}"
  if [[ " ${MISSING[*]} " == *" nginx-light "* ]] && [ -d /run/systemd/system ]; then
    as_root systemctl disable nginx.service || true
  fi
}

# Python packages, keyed by what asks for them: a new set is built beside the old and then taken.
python_key() {
  { cat "$ROOT/requirements.txt"; "$PYTHON" -VV; [ -z "${EXTRA_REQUIREMENTS:-}" ] || cat "$ROOT/$EXTRA_REQUIREMENTS"; } |
    sha256sum | cut -c1-12
}
install_python() {
  local target
  target="$WANGGE_DATA/venv-$(python_key)"
  if [ -n "${WANGGE_VENV:-}" ]; then target="$WANGGE_VENV"; fi
  if [ -z "${WANGGE_VENV:-}" ] && [ ! -f "$target/.complete" ]; then
    rm -rf "$target"
    "$PYTHON" -m venv "$target"
    "$target/bin/pip" install --disable-pip-version-check --progress-bar off -r "$ROOT/${EXTRA_REQUIREMENTS:-requirements.txt}"
    touch "$target/.complete"
  fi
  ln -sfn "$target" "$WANGGE_DATA/venv"
}
# Only when nothing runs from them any more.
remove_old_python() {
  local old
  for old in "$WANGGE_DATA"/venv-*; do
    if [ -d "$old" ] && [ "$old" != "$(readlink -f "$WANGGE_DATA/venv")" ]; then rm -rf "$old"; fi
  done
}

# The modules the browser runs, keyed by the lock file and by their sources.
build_front() {
  cd "$ROOT" || return 1
  if [ ! -f package.json ]; then echo "no package.json"; return; fi
  local modules sources
  modules="$(sha256sum <package-lock.json | cut -c1-12)"
  if [ "$(cat node_modules/.wangge 2>/dev/null)" != "$modules" ]; then
    npm ci --no-audit --no-fund
    echo "$modules" >node_modules/.wangge
  fi
  sources="$modules $(git_less_sources | sha256sum | cut -c1-12)"
  if [ "$(cat static/dist/.wangge 2>/dev/null)" != "$sources" ]; then
    npm run build
    mkdir -p static/dist
    echo "$sources" >static/dist/.wangge
  fi
}
git_less_sources() {
  find ./*/static esbuild.mjs package.json -path ./node_modules -prune -o -path ./static/dist -prune -o \
    -type f -print0 2>/dev/null | sort -z | xargs -0 sha256sum
}

# One word for the code that runs: a change restarts the services and applies the migrations.
code_version() {
  {
    (cd "$ROOT" && find . \( -name node_modules -o -name .git -o -name tests -o -name '.venv*' -o -name __pycache__ \) -prune -o \
      -type f \( -name '*.py' -o -name '*.html' -o -name '*.po' -o -name '*.js' -o -name '*.css' -o -name '*.csv' -o -name '*.json' \
      -o -name requirements.txt \) -print0 | sort -z | xargs -0 sha256sum)
    readlink -f "$WANGGE_DATA/venv"
  } | sha256sum | cut -c1-16
}

# A checkout under /root cannot be read by the services' user: they get a copy.
place_code() {
  if is_root && ! as_service test -r "$ROOT/manage.py"; then
    local fresh="$WANGGE_DATA/app.new"
    rm -rf "$fresh"
    mkdir -p "$fresh"
    tar -C "$ROOT" --exclude=./.git --exclude=./node_modules --exclude='./.venv*' --exclude='./.data*' --exclude=./tests -cf - . |
      tar -C "$fresh" --no-same-owner -xf -
    rm -rf "$WANGGE_DATA/app"
    mv "$fresh" "$WANGGE_DATA/app"
    chmod -R go+rX "$WANGGE_DATA/app"
  fi
}
