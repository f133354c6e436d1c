# The reverse proxy in front: Caddy, nginx or Traefik, from the templates in compose/edge. Sourced; needs common.sh.

ipv6_loopback() { grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null; }

# fill TEMPLATE OUTPUT NAME VALUE ... : replaces @NAME@; values may have several lines.
fill() {
  local text output=$2
  text=$(<"$ROOT/compose/edge/$1")
  shift 2
  while [[ $# -gt 0 ]]; do
    text=${text//"@$1@"/"$2"}
    shift 2
  done
  printf '%s\n' "$text" >"$output"
}

# gateway_list FORMAT : FORMAT once per gateway, with its address.
gateway_list() {
  local i
  for (( i = 1; i <= GATEWAYS; i++ )); do
    # shellcheck disable=SC2059
    printf "$1" "127.0.0.1:${GATEWAY_PORTS[i]}"
  done
}

caddy_start() {
  local bind=127.0.0.1
  ! ipv6_loopback || bind+=' [::1]'
  fill Caddyfile "$EDGE_DIR/Caddyfile" PORT "$EDGE_PORT" BIND "$bind" GATEWAYS "$(gateway_list '%s ')" \
    LOGOUT "127.0.0.1:$LOGOUT_PORT" APP "127.0.0.1:$APP_PORT"
  launch edge env HOME="$EDGE_DIR" XDG_DATA_HOME="$EDGE_DIR" XDG_CONFIG_HOME="$EDGE_DIR" \
    caddy run --adapter caddyfile --config "$EDGE_DIR/Caddyfile"
}

nginx_start() {
  local listen="    listen 127.0.0.1:$EDGE_PORT;" user=
  ! ipv6_loopback || listen+=$'\n'"    listen [::1]:$EDGE_PORT;"
  [[ $EUID != 0 ]] || user='user nobody nogroup;'
  fill nginx.conf "$EDGE_DIR/nginx.conf" USER "$user" DIR "$EDGE_DIR" LISTEN "$listen" \
    GATEWAYS "$(gateway_list '    server %s max_fails=1 fail_timeout=2s;\n')" \
    LOGOUT "127.0.0.1:$LOGOUT_PORT" APP "127.0.0.1:$APP_PORT"
  # A killed nginx leaves its socket behind and could not bind it again.
  rm -f "$EDGE_DIR/answer.sock"
  launch edge /usr/sbin/nginx -e stderr -p "$EDGE_DIR" -c "$EDGE_DIR/nginx.conf"
}

traefik_start() {
  local web="  web: { address: \"127.0.0.1:$EDGE_PORT\" }" points='[web]'
  if ipv6_loopback; then
    web+=$'\n'"  web6: { address: \"[::1]:$EDGE_PORT\" }"
    points='[web, web6]'
  fi
  fill traefik.yml "$EDGE_DIR/traefik.yml" WEB "$web" VERIFY_PORT "$VERIFY_PORT" DIR "$EDGE_DIR"
  fill traefik-dynamic.yml "$EDGE_DIR/dynamic.yml" ENTRY_POINTS "$points" VERIFY_PORT "$VERIFY_PORT" \
    GATEWAYS "$(gateway_list '          - url: "http://%s"\n')" LOGOUT "127.0.0.1:$LOGOUT_PORT" APP "127.0.0.1:$APP_PORT"
  launch edge traefik --configFile="$EDGE_DIR/traefik.yml"
}

edge_start() {
  EDGE_DIR=$WORLD/edge
  mkdir -p "$EDGE_DIR"
  chmod 755 "$EDGE_DIR"
  "${EDGE}_start"
}

# The edge answers and reaches its gateways: any status but those by which a proxy says that it could not.
edge_answers() {
  local status
  status=$(http_status "$EDGE_URL/auth/logged-out") || return 1
  [[ ! $status =~ ^(000|404|502|503|504)$ ]]
}

edge_ready() {
  wait_for edge 30 edge_answers
  say "edge ($EDGE)" "ready on $EDGE_URL"
}
