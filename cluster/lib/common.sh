# shellcheck shell=bash
# Shared by the commands in this folder; sourced, never run.
# shellcheck disable=SC2034,SC2154 # variables are shared with the scripts that source this

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# What the Swift toolchain needs to run and to link, and what the product is built on.
build_packages=(
  binutils libc6-dev libgcc-12-dev libstdc++-12-dev libcurl4 libncurses6 libxml2 tzdata pkg-config zlib1g-dev
  libmariadb-dev libprotobuf-c-dev libyaml-dev libsqlite3-dev libssl-dev libdeflate-dev libzstd-dev
)
# The server's core package has no service, so that nothing is started by apt.
server_packages=(mariadb-server-core mariadb-client)

say() { printf '%s\n' "$*"; }

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

wrong_usage() {
  printf '%s: %s (see --help)\n' "$(basename "$0")" "$*" >&2
  exit 2
}

# install_missing PACKAGE...: installs those that are not there yet; touches nothing when all are.
install_missing() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "needs the packages ${missing[*]}; install them by hand, this is not Debian"
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "needs the packages ${missing[*]}; run as root or install sudo"
    root=(sudo)
  fi
  say "Installing ${missing[*]}"
  "${root[@]}" apt-get update -qq || die "apt-get update failed"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null || die "apt-get could not install ${missing[*]}"
}

require_swift() {
  command -v swift >/dev/null || die "needs the Swift toolchain (6.2 or newer) on PATH; see https://www.swift.org/install"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  [ -n "$version" ] || die "cannot read the version of $(command -v swift)"
  [ "${version%%.*}" -gt 6 ] || { [ "${version%%.*}" -eq 6 ] && [ "${version##*.}" -ge 2 ]; } ||
    die "needs Swift 6.2 or newer, found $version"
}

# free_port FIRST: the first port from FIRST on that nobody listens on at the loopback address.
free_port() {
  local port
  for ((port = $1; port < $1 + 200; port++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
      echo "$port"
      return 0
    }
  done
  die "no free port between $1 and $((port - 1))"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
  [ -n "$what" ]
}

# start_process NAME COMMAND...: in the background, in a session of its own, with a log and a pid file in $run_dir.
start_process() {
  local name=$1
  shift
  mkdir -p "$run_dir/logs"
  setsid "$@" </dev/null >>"$run_dir/logs/$name.log" 2>&1 &
  echo "$! $(process_start $!)" >"$run_dir/$name.pid"
}

# process_start PID: when the process began, in clock ticks since boot. With the pid it names one process for good,
# whoever gets the number later.
process_start() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# is_running NAME: whether the process of the pid file is still that process.
is_running() {
  local pid start
  read -r pid start 2>/dev/null <"$run_dir/$1.pid" || return 1
  [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ]
}

# stop_process NAME [SECONDS]: asks it to end, and insists when it does not within the time.
stop_process() {
  local pid start
  if is_running "$1"; then
    read -r pid start <"$run_dir/$1.pid"
    kill -TERM "$pid" 2>/dev/null || true
    if ! wait_for "${2:-30}" "$1" process_is_gone "$pid" "$start"; then
      say "$1 (process $pid) does not end, killing it"
      kill -KILL "$pid" 2>/dev/null || true
      wait_for 10 "$1" process_is_gone "$pid" "$start" || die "process $pid ($1) cannot be ended"
    fi
  fi
  rm -f "$run_dir/$1.pid"
}

# A process that has ended but was not yet waited for counts as gone.
process_is_gone() {
  [ "$(process_start "$1")" != "$2" ] || [ "$(sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -c 1)" = Z ]
}
