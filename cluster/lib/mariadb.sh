# shellcheck shell=bash
# shellcheck disable=SC2154 # run_dir comes from the script that sources this
# A private MariaDB server in $run_dir; sourced after common.sh.

# start_mariadb PORT PASSWORD_FILE [OPTION...]: a fresh server with the account "shop", which may do everything.
start_mariadb() {
  local port=$1 password_file=$2 data=$run_dir/mariadb socket
  shift 2
  rm -rf "$data"
  mkdir -p "$data"
  # A UNIX socket's path is limited to 107 bytes, which a deep checkout exceeds.
  socket=$(mktemp -d "${TMPDIR:-/tmp}/tidegate.XXXXXX")/mariadb.sock
  echo "$socket" >"$run_dir/mariadb.socket"
  # --force: a machine whose own name cannot be looked up is no obstacle.
  mariadb-install-db --no-defaults --force --datadir="$data" --user="$(id -un)" \
    --auth-root-authentication-method=normal --skip-test-db >"$run_dir/logs/mariadb-install.log" 2>&1 ||
    die "mariadb-install-db failed, see $run_dir/logs/mariadb-install.log"
  start_process mariadb mariadbd --no-defaults --user="$(id -un)" --datadir="$data" --socket="$socket" \
    --bind-address=127.0.0.1 --port="$port" --server-id=1 --log-bin=binlog --binlog-format=ROW \
    --binlog-row-image=FULL --skip-name-resolve --character-set-server=utf8mb4 --innodb-flush-log-at-trx-commit=2 "$@"
  wait_for 60 mariadb admin_sql -e 'SELECT 1' || die "MariaDB does not start, see $run_dir/logs/mariadb.log"
  admin_sql -e "CREATE USER shop@localhost IDENTIFIED BY '$(cat "$password_file")';
    CREATE USER shop@127.0.0.1 IDENTIFIED BY '$(cat "$password_file")';
    GRANT ALL ON *.* TO shop@localhost; GRANT ALL ON *.* TO shop@127.0.0.1;"
}

# admin_sql ARGUMENT...: the mariadb client as root; the statements come as -e or on standard input.
admin_sql() {
  mariadb --no-defaults --default-character-set=utf8mb4 --user=root --socket="$(cat "$run_dir/mariadb.socket")" "$@"
}

stop_mariadb() {
  stop_process mariadb 60
  if [ -f "$run_dir/mariadb.socket" ]; then
    rm -rf -- "$(dirname "$(cat "$run_dir/mariadb.socket")")"
    rm -f "$run_dir/mariadb.socket"
  fi
}
