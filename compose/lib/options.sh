# The command line of compose/up. Sourced; needs common.sh.

GATEWAYS=2 EDGE_PORT=8080 EDGE='' CONFIG='' ENV_FILE='' DATA='' AT_TTL=300 NO_BROKER='' NO_BUILD='' INFRA_ONLY=''
EXTRA_ENV=()

usage() {
  cat <<'TEXT'
compose/up: EventAuth and all it needs, on loopback, without Docker. Ctrl-C stops everything.

  --gateways N           gateway replicas behind the edge (2)
  --port-base P          the edge listens on P, everything else on the ports after it (8080)
  --edge NAME            caddy, nginx or traefik (traefik if it is on PATH, else caddy)
  --no-broker            without RabbitMQ: revocations travel by the database alone
  --config FILE          settings instead of compose/eventauth.yaml; the world's addresses still win
  --set KEY=VALUE        one setting of the services, e.g. --set REVALIDATION__INTERVAL=5s; repeatable
  --access-token-ttl S   life of the IdP's access tokens in seconds (300)
  --env FILE             write addresses, credentials and pids as KEY=VALUE when ready
  --data DIR             keep database, broker and keys there (a temporary folder, removed at the end)
  --no-build             take the services as they were last built
  --infra-only           just Postgres and RabbitMQ
  --help                 this text
TEXT
}

whole_number() { [[ $2 =~ ^[0-9]{1,6}$ ]] || die "$1 needs a whole number, not '$2'"; }

add_setting() {
  [[ $1 =~ ^[A-Za-z0-9_]+= ]] || die "--set needs KEY=VALUE, not '$1'"
  EXTRA_ENV+=("EVENTAUTH__$1")
}

parse_options() {
  while [[ $# -gt 0 ]]; do
    case $1 in
      --no-broker) NO_BROKER=1 ;;
      --no-build) NO_BUILD=1 ;;
      --infra-only) INFRA_ONLY=1 ;;
      --help | -h) usage; exit 0 ;;
      --gateways | --port-base | --edge | --config | --set | --access-token-ttl | --env | --data)
        [[ $# -ge 2 ]] || die "$1 needs a value"
        value_option "$1" "$2"
        shift ;;
      *) usage >&2; die "unknown option '$1'" ;;
    esac
    shift
  done
  check_options
}

value_option() {
  case $1 in
    --gateways) whole_number "$1" "$2"; GATEWAYS=$(( 10#$2 )) ;;
    --port-base) whole_number "$1" "$2"; EDGE_PORT=$(( 10#$2 )) ;;
    --access-token-ttl) whole_number "$1" "$2"; AT_TTL=$(( 10#$2 )) ;;
    --edge) EDGE=$2 ;;
    --config) CONFIG=$(realpath -- "$2") ;;
    --env) ENV_FILE=$(realpath -m -- "$2") ;;
    --data) DATA=$(realpath -m -- "$2") ;;
    --set) add_setting "$2" ;;
  esac
}

check_options() {
  (( GATEWAYS >= 1 && GATEWAYS <= 20 )) || die '--gateways needs 1 to 20'
  (( EDGE_PORT >= 1024 && EDGE_PORT <= 65000 )) || die '--port-base needs 1024 to 65000'
  (( AT_TTL >= 1 )) || die '--access-token-ttl needs at least 1'
  CONFIG=${CONFIG:-$ROOT/compose/eventauth.yaml}
  [[ -r $CONFIG ]] || die "$CONFIG can't be read"
  [[ -z $ENV_FILE || -d ${ENV_FILE%/*} ]] || die "there is no folder ${ENV_FILE%/*} for --env"
  if [[ -z $EDGE ]]; then
    if command -v traefik >/dev/null; then EDGE=traefik; else EDGE=caddy; fi
  fi
  [[ $EDGE =~ ^(caddy|nginx|traefik)$ ]] || die "--edge needs caddy, nginx or traefik, not '$EDGE'"
}
