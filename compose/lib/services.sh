# The IdP, the echo application and our three services. Sourced; needs common.sh.

idp_start() {
  local keys=()
  [[ -z $KEEP ]] || keys=(KEYS_FILE="$WORLD/idp-keys.json")
  launch idp env PORT="$IDP_PORT" ISSUER="$IDP_URL" CLIENT_ID="$CLIENT_ID" CLIENT_SECRET="$CLIENT_SECRET" PUBLIC_URL="$EDGE_URL" \
    BACKCHANNEL_LOGOUT_URI="http://127.0.0.1:$LOGOUT_PORT/backchannel-logout" AT_TTL="$AT_TTL" "${keys[@]}" \
    NODE_NO_WARNINGS=1 node "$ROOT/compose/idp/idp.mjs"
}

idp_ready() {
  wait_for idp 60 http_ok "$IDP_URL/.well-known/openid-configuration"
  say idp "ready on $IDP_URL"
}

app_start() { launch app env PORT="$APP_PORT" node "$ROOT/compose/app/echo.mjs"; }

app_ready() {
  wait_for app 30 http_ok "http://127.0.0.1:$APP_PORT/__hits"
  say app "ready on http://127.0.0.1:$APP_PORT"
}

build_services() {
  require_dotnet
  say build 'the three services, Release'
  local log=$WORLD/logs/build.log
  if ! (cd "$ROOT" && dotnet build compose/services.slnf -c Release --nologo -v quiet >"$log" 2>&1); then
    show_log build 40
    die 'the build failed'
  fi
  say build done
}

# start_service NAME PROJECT PUBLIC_PORT OPERATIONS_PORT
start_service() {
  local dll=$ROOT/artifacts/bin/EventAuth.$2/release/EventAuth.$2.dll
  [[ -f $dll ]] || die "$dll is missing; build first (leave out --no-build)"
  local broker=
  [[ -n $NO_BROKER ]] || broker=$(rabbitmq_url)
  launch "$1" env \
    EVENTAUTH__INSTANCE="$1" EVENTAUTH__PUBLICURL="$EDGE_URL" \
    EVENTAUTH__LISTEN__DRAIN=0s EVENTAUTH__LISTEN__PUBLIC="http://127.0.0.1:$3" EVENTAUTH__LISTEN__OPERATIONS="http://127.0.0.1:$4" \
    EVENTAUTH__POSTGRES__CONNECTIONSTRING="$(postgres_connection_string)" EVENTAUTH__RABBITMQ__URL="$broker" \
    EVENTAUTH__PROVIDERS__0__ISSUER="$IDP_URL" EVENTAUTH__PROVIDERS__0__CLIENTID="$CLIENT_ID" EVENTAUTH__BEARER__ISSUERS__0__ISSUER="$IDP_URL" \
    EVENTAUTH__PROVIDERS__0__CLIENTSECRET="$CLIENT_SECRET" \
    EVENTAUTH__SECRETS__TOKENKEYS__0__ID=world EVENTAUTH__SECRETS__TOKENKEYS__0__KEY="$TOKEN_KEY" \
    "${EXTRA_ENV[@]}" dotnet "$dll" --config "$CONFIG"
}

services_start() {
  local i
  for (( i = 1; i <= GATEWAYS; i++ )); do
    start_service "gateway-$i" Gateway "${GATEWAY_PORTS[i]}" "${GATEWAY_OPS_PORTS[i]}"
  done
  start_service logout Logout "$LOGOUT_PORT" "$LOGOUT_OPS_PORT"
  # Nobody asks the revalidator in public; its public port is taken from our range so that worlds don't collide.
  start_service revalidator Revalidator "$REVALIDATOR_PORT" "$REVALIDATOR_OPS_PORT"
}

services_ready() {
  local i
  for (( i = 1; i <= GATEWAYS; i++ )); do
    wait_for "gateway-$i" 60 http_ok "http://127.0.0.1:${GATEWAY_OPS_PORTS[i]}/readyz"
    say "gateway-$i" "ready on http://127.0.0.1:${GATEWAY_PORTS[i]}"
  done
  wait_for logout 60 http_ok "http://127.0.0.1:$LOGOUT_OPS_PORT/readyz"
  say logout "ready on http://127.0.0.1:$LOGOUT_PORT"
  wait_for revalidator 60 http_ok "http://127.0.0.1:$REVALIDATOR_OPS_PORT/readyz"
  say revalidator ready
}
