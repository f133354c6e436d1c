# The world's folder, ports and secrets, and what it tells about itself. Sourced; needs common.sh and options.sh.

readonly CLIENT_ID=eventauth
declare -A TAKES=()       # port -> who listens there
declare -a GATEWAY_PORTS=() GATEWAY_OPS_PORTS=()

assign() { printf -v "$1" '%d' "$2"; TAKES[$2]=$1; }

assign_ports() {
  local p=$EDGE_PORT i
  assign PG_PORT $(( p + 3 ))
  [[ -n $NO_BROKER ]] || { assign AMQP_PORT $(( p + 4 )); assign AMQP_DIST_PORT $(( p + 5 )); assign EPMD_PORT $(( p + 6 )); }
  [[ -z $INFRA_ONLY ]] || return 0
  assign EDGE_PORT "$p"
  assign APP_PORT $(( p + 1 ))
  assign IDP_PORT $(( p + 2 ))
  assign LOGOUT_PORT $(( p + 7 ))
  assign LOGOUT_OPS_PORT $(( p + 8 ))
  assign REVALIDATOR_OPS_PORT $(( p + 9 ))
  for (( i = 1; i <= GATEWAYS; i++ )); do
    assign "GATEWAY_PORTS[$i]" $(( p + 8 + 2 * i ))
    assign "GATEWAY_OPS_PORTS[$i]" $(( p + 9 + 2 * i ))
  done
  assign REVALIDATOR_PORT $(( p + 10 + 2 * GATEWAYS ))
  assign VERIFY_PORT $(( p + 11 + 2 * GATEWAYS ))
  EDGE_URL=http://localhost:$EDGE_PORT
  IDP_URL=http://127.0.0.1:$IDP_PORT     # another host name than the edge's, so that their cookies don't mix
}

check_ports() {
  local port taken=()
  for port in $(printf '%s\n' "${!TAKES[@]}" | sort -n); do
    listening "$port" && taken+=("$port (${TAKES[$port]})")
  done
  [[ ${#taken[@]} == 0 ]] || die "already taken: ${taken[*]}. Choose other ports with --port-base"
}

make_world() {
  KEEP=$DATA
  if [[ -n $DATA ]]; then
    WORLD=$DATA
    mkdir -p "$WORLD"
  else
    WORLD=$(mktemp -d "${TMPDIR:-/tmp}/eventauth.XXXXXX")
  fi
  chmod 711 "$WORLD"                     # servers under other users pass through to their own folders
  exec 9>"$WORLD/lock"
  flock -n 9 || die "$WORLD is in use by another compose/up"
  mkdir -p "$WORLD/logs" "$WORLD/run"
  chmod 700 "$WORLD/logs" "$WORLD/run"   # the start scripts contain secrets
  rm -f "$WORLD"/run/* "$WORLD"/logs/*.log
  as_user postgres
  "${AS[@]}" test -x "$WORLD" || die "user $AS_USER can't enter $WORLD (is a folder above it private?)"
  make_secrets
}

make_secrets() {
  local file=$WORLD/secrets
  if [[ ! -f $file ]]; then
    (umask 077 && printf 'PG_PASSWORD=%s\nCLIENT_SECRET=%s\nTOKEN_KEY=%s\n' \
      "$(random_hex 16)" "$(random_hex 24)" "$(random_base64 32)" >"$file")
  fi
  # shellcheck disable=SC1090
  source "$file"
}

env_lines() {
  local name upper i
  printf '%s=%s\n' WORLD_DIR "$WORLD" POSTGRES_URL "$(postgres_url)"
  if [[ -z $NO_BROKER ]]; then printf 'AMQP_URL=%s\n' "$(rabbitmq_url)"; else printf 'AMQP_URL=\n'; fi
  if [[ -z $INFRA_ONLY ]]; then
    printf '%s=%s\n' EDGE_URL "$EDGE_URL" APP_URL "$EDGE_URL/" APP_DIRECT_URL "http://127.0.0.1:$APP_PORT" IDP_URL "$IDP_URL" \
      CLIENT_ID "$CLIENT_ID" CLIENT_SECRET "$CLIENT_SECRET" EVENT_SCHEMA "$(event_schema)" \
      LOGOUT_URL "http://127.0.0.1:$LOGOUT_PORT" LOGOUT_OPS_URL "http://127.0.0.1:$LOGOUT_OPS_PORT" \
      REVALIDATOR_OPS_URL "http://127.0.0.1:$REVALIDATOR_OPS_PORT" GATEWAYS "$GATEWAYS"
    for (( i = 1; i <= GATEWAYS; i++ )); do
      printf '%s=%s\n' "GATEWAY_${i}_URL" "http://127.0.0.1:${GATEWAY_PORTS[i]}" "GATEWAY_${i}_OPS_URL" "http://127.0.0.1:${GATEWAY_OPS_PORTS[i]}"
    done
  fi
  for name in "${NAMES[@]}"; do
    upper=${name^^}
    printf '%s_PID=%s\n' "${upper//-/_}" "$(pid_of "$name")"
  done
}

# The schema of the events: from --set, else from the settings' file, else the default.
event_schema() {
  local pair value
  for pair in "${EXTRA_ENV[@]}"; do
    [[ ${pair^^} != EVENTAUTH__POSTGRES__EVENTSCHEMA=* ]] || value=${pair#*=}
  done
  [[ -n ${value:-} ]] || value=$(sed -nE 's/^[[:space:]]*eventSchema:[[:space:]]*([a-z0-9_]+).*/\1/p' "$CONFIG" | head -n 1)
  printf '%s' "${value:-eventauth_events}"
}

# Atomically: whoever waits for the file finds it whole.
write_env() {
  [[ -n $ENV_FILE ]] || return 0
  (umask 077 && env_lines >"$ENV_FILE.part")
  mv -f "$ENV_FILE.part" "$ENV_FILE"
}

print_table() {
  local row='  %-22s %s\n' i
  printf '\n'
  printf "$row" 'Application' "$EDGE_URL/" 'without sign-in' "$EDGE_URL/public/" 'administrators only' "$EDGE_URL/admin/" \
    'My sessions' "$EDGE_URL/auth/sessions" 'Sign out' "$EDGE_URL/auth/logout" 'Identity provider' "$IDP_URL"
  for (( i = 1; i <= GATEWAYS; i++ )); do
    printf "$row" "Gateway $i" "http://127.0.0.1:${GATEWAY_PORTS[i]}   operations http://127.0.0.1:${GATEWAY_OPS_PORTS[i]}/status"
  done
  printf "$row" 'Logout service' "http://127.0.0.1:$LOGOUT_PORT   operations http://127.0.0.1:$LOGOUT_OPS_PORT/status" \
    'Revalidator' "operations http://127.0.0.1:$REVALIDATOR_OPS_PORT/status" 'Postgres' "$(postgres_url)" \
    'RabbitMQ' "$([[ -n $NO_BROKER ]] && echo none || rabbitmq_url)" 'Logs' "$WORLD/logs"
  printf '\n'
  printf '  %-10s %-10s %-18s %s\n' User Password Groups Roles alice alice 'admins, staff' admin bob bob staff user
  printf '\n'
}
