# Installs what the world needs and the machine lacks. Sourced; needs common.sh.

apt_ready=

# missing_packages PROBE=PACKAGE... : the packages whose probe (a command, or an absolute path) is not there.
missing_packages() {
  local pair
  for pair in "$@"; do
    if [[ ${pair%%=*} == /* ]]; then
      compgen -G "${pair%%=*}" >/dev/null || echo "${pair#*=}"
    else
      command -v "${pair%%=*}" >/dev/null || echo "${pair#*=}"
    fi
  done
}

apt_install() {
  [[ $# -gt 0 ]] || return 0
  [[ $EUID == 0 ]] || die "missing: $*. Install them (apt-get install $*) or run as root"
  command -v apt-get >/dev/null || die "missing: $*, and there is no apt-get to install them"
  say install "$*"
  # An own archive folder: in slim images a hook empties the shared one after any dpkg run, also that of another apt.
  local cache log
  cache=$(mktemp -d) && log=$(mktemp) && mkdir -p "$cache/partial" && chmod 755 "$cache"
  local options=(-y -qq --no-install-recommends -o "Dir::Cache::archives=$cache" -o DPkg::Lock::Timeout=300)
  if [[ -z $apt_ready ]]; then
    apt-get update -qq >>"$log" 2>&1 || true
    apt_ready=1
  fi
  # RUNLEVEL=1: packages must not start their servers; ours run on ports of their own.
  if ! RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "apt-get could not install: $*"
  fi
  rm -rf "$cache" "$log"
}

install_packages() {
  local packages
  mapfile -t packages < <(missing_packages "$@")
  apt_install "${packages[@]}"
}

install_infra() {
  local wanted=(curl=curl '/usr/lib/postgresql/*/bin/initdb=postgresql')
  [[ $1 == no-broker ]] || wanted+=('/usr/lib/rabbitmq/bin/rabbitmq-server=rabbitmq-server')
  install_packages "${wanted[@]}"
}

install_edge() {
  case $1 in
    caddy) install_packages caddy=caddy ;;
    nginx) install_packages /usr/sbin/nginx=nginx ;;
    traefik) command -v traefik >/dev/null || die "traefik is not on PATH; use --edge caddy or --edge nginx" ;;
  esac
}

install_idp() {
  command -v node >/dev/null || install_packages node=nodejs npm=npm
  local stamp=$ROOT/compose/idp/node_modules/.package-lock.json
  [[ $stamp -nt $ROOT/compose/idp/package-lock.json ]] && return 0
  say install 'npm packages of the development IdP'
  local log
  log=$(mktemp)
  if ! (cd "$ROOT/compose/idp" && npm ci --no-audit --no-fund >"$log" 2>&1); then
    tail -n 20 "$log" >&2
    die 'npm ci failed in compose/idp'
  fi
  touch "$stamp"
  rm -f "$log"
}

require_dotnet() { command -v dotnet >/dev/null || die 'the .NET 10 SDK (dotnet) is not on PATH'; }
