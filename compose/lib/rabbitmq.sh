# A RabbitMQ node of our own: own name, ports, cookie and epmd, all on loopback. Sourced; needs common.sh.

readonly RABBIT_BIN=/usr/lib/rabbitmq/bin       # not /usr/sbin: those are wrappers that change the user

rabbitmq_configure() {
  local base=$1
  cat >"$base/rabbitmq.conf" <<CONF
listeners.tcp.local = 127.0.0.1:$AMQP_PORT
log.console = true
log.file = false
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 64MB
CONF
  echo '[{kernel,[{inet_dist_use_interface,{127,0,0,1}}]}].' >"$base/advanced.config"
  echo '[].' >"$base/enabled_plugins"
  if [[ ! -f $base/.erlang.cookie ]]; then
    (umask 077 && random_hex 16 >"$base/.erlang.cookie")
    chmod 400 "$base/.erlang.cookie"
  fi
  [[ $EUID != 0 ]] || chown -R "$AS_USER" "$base"
}

rabbitmq_start() {
  as_user rabbitmq
  local base=$WORLD/rabbitmq
  own_dir "$base"
  rabbitmq_configure "$base"
  # RUNNING_UNDER_SYSTEMD: the start script becomes the Erlang VM instead of watching it, so that our pid is the broker's.
  RABBIT_ENV=(
    HOME="$base" RABBITMQ_NODENAME="eventauth-$AMQP_PORT@localhost" RABBITMQ_CONF_ENV_FILE=/dev/null
    ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$EPMD_PORT"
  )
  launch rabbitmq "${AS[@]}" env "${RABBIT_ENV[@]}" RUNNING_UNDER_SYSTEMD=1 \
    RABBITMQ_NODE_PORT="$AMQP_PORT" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_DIST_PORT="$AMQP_DIST_PORT" \
    RABBITMQ_MNESIA_BASE="$base/mnesia" RABBITMQ_LOG_BASE="$base/log" RABBITMQ_CONFIG_FILE="$base/rabbitmq.conf" \
    RABBITMQ_ADVANCED_CONFIG_FILE="$base/advanced.config" RABBITMQ_ENABLED_PLUGINS_FILE="$base/enabled_plugins" \
    RABBITMQ_GENERATED_CONFIG_DIR="$base/schema" RABBITMQ_FEATURE_FLAGS_FILE="$base/feature_flags" \
    RABBITMQ_PID_FILE="$base/pid" RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+sbwt none +sbwtdcpu none +sbwtdio none' \
    "$RABBIT_BIN/rabbitmq-server"
}

# The port opens as the last step of the node's boot.
rabbitmq_ready() {
  wait_for rabbitmq 120 listening "$AMQP_PORT"
  say rabbitmq "ready on 127.0.0.1:$AMQP_PORT"
}

# epmd outlives its nodes, and refuses to stop while it believes in one: ask until it goes.
epmd_stop() {
  [[ -v RABBIT_ENV ]] || return 0
  local try
  for try in {1..30}; do
    listening "$EPMD_PORT" || return 0
    env "${RABBIT_ENV[@]}" epmd -kill >/dev/null 2>&1
    sleep 0.1
  done
  echo "epmd on port $EPMD_PORT did not stop" >&2
}

rabbitmq_url() { printf 'amqp://guest:guest@127.0.0.1:%s' "$AMQP_PORT"; }
