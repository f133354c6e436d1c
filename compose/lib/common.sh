# Progress, failure, and processes that we start, wait for and stop. Sourced.

readonly STARTED=${EPOCHREALTIME/[.,]/}
declare -A PIDS=()        # name -> pid of everything started here
declare -a NAMES=()       # in the order of their start

elapsed() {
  local us=$(( ${EPOCHREALTIME/[.,]/} - STARTED ))
  printf '%d.%d' $(( us / 1000000 )) $(( us / 100000 % 10 ))
}

say() { printf '[%6s s] %-13s %s\n' "$(elapsed)" "$1" "$2"; }

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

random_base64() { head -c "$1" /dev/urandom | base64 -w0; }

# True when something listens on the TCP port. Read from /proc because ss and lsof may be missing.
listening() {
  local hex
  printf -v hex '%04X' "$1"
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v p=":$hex\$" '$2 ~ p && $4 == "0A" { found = 1 } END { exit !found }'
}

# Servers that refuse root run as AS_USER; setpriv instead of runuser because it doesn't fork: its pid is the server's.
as_user() {
  local user=$1
  AS=()
  [[ $EUID == 0 ]] || return 0
  id "$user" >/dev/null 2>&1 || user=nobody
  AS_USER=$user
  AS=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups --)
}

own_dir() {
  mkdir -p "$1"
  chmod "${2:-700}" "$1"
  [[ $EUID != 0 ]] || chown "$AS_USER" "$1"
}

# launch NAME COMMAND... : writes the start as the script WORLD/run/NAME and runs it in a session of its own, so that
# Ctrl-C reaches compose/up alone and the order of stopping stays ours. A fault test kills a process by its pid and
# starts it again with the same script.
launch() {
  local name=$1 script=$WORLD/run/$1
  shift
  {
    printf '#!/bin/bash\n'
    # Started twice, the second would take the first one's pid file and leave it running for ever.
    printf 'source %q; WORLD=%q\n' "$ROOT/compose/lib/common.sh" "$WORLD"
    printf 'if pid_of %q >/dev/null; then die "already running"; fi\n' "$name"
    # Pid and start time: a pid alone may belong to someone else by the time we stop.
    printf 'read -r -a stat </proc/$$/stat; echo "$$ ${stat[21]}" >%q\n' "$script.pid"
    printf 'cd %q && exec' "$WORLD"
    printf ' %q' "$@"
    printf ' >>%q 2>&1\n' "$WORLD/logs/$name.log"
  } >"$script"
  chmod 700 "$script"
  setsid "$script" </dev/null 9>&- &         # 9 is the world's lock: ours alone
  PIDS[$name]=$!
  NAMES+=("$name")
}

# The pid of the process that runs under this name now (it may have been restarted by its script), or nothing.
pid_of() {
  local pid born stat
  read -r pid born 2>/dev/null <"$WORLD/run/$1.pid" || return 1
  stat=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
  # Fields after the command's name, which may itself contain spaces: state is the 1st, start time the 20th.
  read -r -a stat <<<"${stat##*) }"
  [[ ${stat[19]} == "$born" && ${stat[0]} != Z ]] && printf '%s' "$pid"
}

show_log() {
  printf -- '--- last lines of %s.log\n' "$1" >&2
  tail -n "${2:-25}" "$WORLD/logs/$1.log" >&2 2>/dev/null || true
  printf -- '---\n' >&2
}

# wait_for NAME SECONDS CONDITION... : until the condition holds; fails with the log when time is up or the process died.
wait_for() {
  local name=$1 deadline=$(( SECONDS + $2 ))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "${PIDS[$name]}" 2>/dev/null; then
      show_log "$name"
      die "$name stopped instead of starting"
    fi
    if (( SECONDS >= deadline )); then
      show_log "$name"
      die "$name was not ready in time (waited for: $*)"
    fi
    sleep 0.1
  done
}

# Stops the named processes together: TERM (or $SIGNAL), KILL for those that are still there after 15 seconds.
stop_processes() {
  local name pid deadline=$(( SECONDS + 15 ))
  for name in "$@"; do
    pid=$(pid_of "$name") && kill -s "${SIGNAL:-TERM}" "$pid" 2>/dev/null
  done
  for name in "$@"; do
    while pid=$(pid_of "$name") && (( SECONDS < deadline )); do sleep 0.05; done
    if pid=$(pid_of "$name"); then kill -KILL "$pid" 2>/dev/null; fi
  done
}

http_status() { curl -s -o /dev/null -m 3 -w '%{http_code}' "$@"; }

http_ok() { [[ $(http_status "$1") == 200 ]]; }
