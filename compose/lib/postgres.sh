# Postgres from local binaries, on loopback, as an unprivileged user. Sourced; needs common.sh.

readonly PG_USER=eventauth PG_DATABASE=eventauth

postgres_bin() {
  local bins
  mapfile -t bins < <(compgen -G '/usr/lib/postgresql/*/bin' | sort -V)
  if [[ ${#bins[@]} -gt 0 ]]; then printf '%s' "${bins[-1]}"; else dirname "$(command -v initdb)"; fi
}

postgres_init() {
  local data=$1 secret=$WORLD/pg-password
  (umask 077 && printf '%s\n' "$PG_PASSWORD" >"$secret")
  [[ $EUID != 0 ]] || chown "$AS_USER" "$secret"
  if ! "${AS[@]}" "$PG_BIN/initdb" -D "$data" -U "$PG_USER" -A scram-sha-256 --pwfile="$secret" -E UTF8 --locale=C.UTF-8 \
      --no-instructions --no-sync >"$WORLD/logs/postgres.log" 2>&1; then
    show_log postgres
    die 'initdb failed'
  fi
  rm -f "$secret"
}

# Written at every start, so that a kept data folder follows --port-base. Without --data the world is thrown away: no
# fsync then, which costs nothing but safety against a power cut.
postgres_configure() {
  local data=$1 durable=off
  [[ -z $KEEP ]] || durable=on
  cat >"$data/compose.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $PG_PORT
unix_socket_directories = ''
max_connections = 300
shared_buffers = 128MB
wal_level = logical
fsync = $durable
full_page_writes = $durable
CONF
  grep -q compose.conf "$data/postgresql.conf" || echo "include 'compose.conf'" >>"$data/postgresql.conf"
  [[ $EUID != 0 ]] || chown "$AS_USER" "$data/compose.conf"
}

postgres_start() {
  PG_BIN=$(postgres_bin)
  as_user postgres
  local data=$WORLD/postgres
  own_dir "$data"
  [[ -f $data/PG_VERSION ]] || postgres_init "$data"
  postgres_configure "$data"
  launch postgres "${AS[@]}" "$PG_BIN/postgres" -D "$data"
}

postgres_sql() {
  PGPASSWORD=$PG_PASSWORD "$PG_BIN/psql" -h 127.0.0.1 -p "$PG_PORT" -U "$PG_USER" -d "${2:-postgres}" -XAtqc "$1"
}

postgres_ready() {
  wait_for postgres 60 postgres_sql 'select 1'
  if [[ -z $(postgres_sql "select 1 from pg_database where datname = '$PG_DATABASE'") ]]; then
    postgres_sql "create database $PG_DATABASE" || die 'the database could not be created'
  fi
  say postgres "ready on 127.0.0.1:$PG_PORT"
}

postgres_connection_string() {
  printf 'Host=127.0.0.1;Port=%s;Username=%s;Password=%s;Database=%s' "$PG_PORT" "$PG_USER" "$PG_PASSWORD" "$PG_DATABASE"
}

postgres_url() { printf 'postgres://%s:%s@127.0.0.1:%s/%s' "$PG_USER" "$PG_PASSWORD" "$PG_PORT" "$PG_DATABASE"; }
