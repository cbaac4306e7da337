# The running services: nginx, web, events, worker and the embedded database, kept by one supervisor.
# shellcheck shell=bash

NGINX="$(command -v nginx || echo /usr/sbin/nginx)"

# The supervisor's process number, or nothing. Its lock says whether it lives, not the number in the file.
supervisor_pid() {
  local file="$WANGGE_DATA/run/supervisor.lock"
  if [ -s "$file" ] && ! flock -n "$file" true; then head -n 1 "$file"; fi
}

start_supervisor() {
  if [ -n "$(supervisor_pid)" ]; then
    kill -HUP "$(supervisor_pid)"
    return
  fi
  : >"$WANGGE_DATA/run/supervisor.lock"
  if is_root; then chown "$SERVICE_USER" "$WANGGE_DATA/run/supervisor.lock"; fi
  # The lock of this command (9) must not live on in the services.
  as_service setsid --fork "$WANGGE_DATA/venv/bin/python" "$LIB_RUN/supervisor.py" "$WANGGE_DATA/run" "$WANGGE_DATA/log" \
    </dev/null >>"$WANGGE_DATA/log/supervisor.log" 2>&1 9>&-
  local tries=0
  until [ -n "$(supervisor_pid)" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { tail -n 5 "$WANGGE_DATA/log/supervisor.log"; return 1; }
    sleep 0.1
  done
}

# What a supervisor that was killed left running. The program goes in by the front door: the services' user
# may not be able to read the checkout.
clear_leftovers() {
  as_service "$(readlink -f "$WANGGE_DATA/venv/bin/python")" - "$WANGGE_DATA/run" "$WANGGE_DATA/log" --clear <"$LIB/supervisor.py"
}
has_leftovers() { [ -z "$(supervisor_pid)" ] && [ -f "$WANGGE_DATA/run/services.json" ] && compgen -G "$WANGGE_DATA/run/*.pid" >/dev/null; }

stop_supervisor() {
  local pid
  pid="$(supervisor_pid)"
  [ -n "$pid" ] || return 0
  kill -TERM "$pid"
  local deadline=$((SECONDS + 200))
  while [ -n "$(supervisor_pid)" ]; do
    [ "$SECONDS" -lt "$deadline" ] || { tail -n 5 "$WANGGE_DATA/log/supervisor.log"; return 1; }
    sleep 0.1
  done
}

# write_services database|all VERSION: the list the supervisor keeps to.
write_services() {
  local cores
  cores="$(nproc)"
  WHAT="$1" VERSION="$2" EMBEDDED="$EMBEDDED" PG_BIN="${PG_BIN:-}" SOCKETS="$SOCKETS" APP="$APP" NGINX="$NGINX" CORES="$cores" \
    as_service "$WANGGE_DATA/venv/bin/python" "$LIB_RUN/services.py"
}

# render_nginx: nginx.conf and the tile block, from their templates.
render_nginx() {
  local listen="" ssl="" file address
  for address in "${LISTEN[@]}"; do
    if [[ "$address" == *:* ]]; then address="[$address]"; fi
    listen+="listen $address:$PORT${HTTPS_ON:+ ssl http2}; "
  done
  if [ -n "$HTTPS_ON" ]; then
    ssl="ssl_certificate $WANGGE_DATA/tls/server.crt; ssl_certificate_key $WANGGE_DATA/tls/server.key; "
    ssl+="ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:10m; "
    # Plain HTTP on this port: say it with a redirect, not with an error page.
    ssl+="error_page 497 =301 https://\$http_host\$request_uri; "
    ssl+="location = /wangge-ca.crt { alias $WANGGE_DATA/tls/ca.crt; default_type application/x-x509-ca-cert; }"
  fi
  local key scheme=http front=""
  if [ "$WANGGE_HTTPS" = 1 ]; then scheme=https; fi
  if [ -n "${WANGGE_FRONT:-}" ]; then front="set_real_ip_from $WANGGE_FRONT; real_ip_header X-Forwarded-For;"; fi
  key="$(as_service "$WANGGE_DATA/venv/bin/python" -c \
    'import json, sys; print(json.load(open(sys.argv[1]))["link_key"])' "$WANGGE_DATA/secrets.json")"
  mkdir -p "$WANGGE_DATA"/nginx/{body,proxy,fastcgi,uwsgi,scgi}
  for file in nginx.conf nginx.tiles.conf; do
    sed -e "s|@DATA@|$WANGGE_DATA|g" -e "s|@SOCKETS@|$SOCKETS|g" -e "s|@LISTEN@|$listen|g" -e "s|@SSL@|$ssl|g" \
      -e "s|@SCHEME@|$scheme|g" -e "s|@FRONT@|$front|g" -e "s|@LINK_KEY@|$key|g" -e "s|@WORKERS@|$(nproc)|g" \
      "$ROOT/script/$file.in" >"$WANGGE_DATA/nginx/$file.new"
    chmod 0600 "$WANGGE_DATA/nginx/$file.new"
    mv "$WANGGE_DATA/nginx/$file.new" "$WANGGE_DATA/nginx/$file"
  done
  if is_root; then chown -R "$SERVICE_USER:$SERVICE_USER" "$WANGGE_DATA/nginx"; fi
  as_service "$NGINX" -t -q -e "$WANGGE_DATA/log/nginx-error.log" -p "$WANGGE_DATA/nginx/" -c "$WANGGE_DATA/nginx/nginx.conf"
}

# The addresses and names under which people reach this server.
names_of_this_server() {
  local address
  for address in "${LISTEN[@]}"; do
    case "$address" in
      0.0.0.0 | "::") hostname -I 2>/dev/null | tr ' ' '\n'; hostname; hostname -f 2>/dev/null || true ;;
      *) echo "$address" ;;
    esac
  done
  printf '%s\n' localhost 127.0.0.1
}

make_certificates() {
  local tls="$WANGGE_DATA/tls" name san=""
  while read -r name; do
    if [[ "$name" =~ ^[0-9.]+$|: ]]; then san+="IP:$name,"; else san+="DNS:$name,"; fi
  done < <(tr ',' '\n' <<<"$WANGGE_HOSTS" | sed 's/[][]//g' | sort -u | grep -v '^\*$\|^$')
  san="${san%,}"
  if [ ! -f "$tls/ca.crt" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -keyout "$tls/ca.key" \
      -out "$tls/ca.new" -subj "/CN=Wangge local CA $(hostname)" \
      -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
    mv "$tls/ca.new" "$tls/ca.crt"
  fi
  if [ "$(cat "$tls/names" 2>/dev/null)" != "$san" ] || ! openssl x509 -checkend 2592000 -noout -in "$tls/server.crt"; then
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$tls/server.key" \
      -out "$tls/server.csr" -subj "/CN=Wangge"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n' \
      "$san" >"$tls/server.ext"
    openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days 397 \
      -extfile "$tls/server.ext" -out "$tls/server.crt"
    echo "$san" >"$tls/names"
  fi
  chmod 0600 "$tls"/*.key
  if is_root; then
    chown root "$tls/ca.key"
    chown "$SERVICE_USER" "$tls/server.key" "$tls/server.crt" "$tls/ca.crt"
  fi
}
