# shellcheck shell=bash
# shellcheck disable=SC2154 # variables come from the script that sources this
# A pipeline's progress, from `tidegate status --json`; sourced after common.sh by a command that sets $tidegate,
# $pipeline and $run_dir. SQLite reads the JSON, as it is there anyway.

# json_count FILE KEY VALUE: how often a key has that value, wherever in the document.
json_count() {
  sqlite3 :memory: "SELECT count(*) FROM json_tree(CAST(readfile('$1') AS TEXT)) WHERE key = '$2' AND atom = '$3'"
}

# status_value PATH: a value of the last status read; empty when it is not there.
status_value() {
  sqlite3 :memory: "SELECT json_extract(CAST(readfile('$run_dir/status.json') AS TEXT), '\$.$1')"
}

# The coordinator may be busy: a failed read is tried again by the callers, which all have a deadline.
read_status() {
  "$tidegate" status "$pipeline" --json >"$run_dir/status.new" 2>"$run_dir/logs/status.log" &&
    mv "$run_dir/status.new" "$run_dir/status.json"
}

fail_if_pipeline_failed() {
  [ -f "$run_dir/status.json" ] || return 0
  case $(status_value pipeline.state) in
    failed | stopped) die "the pipeline has stopped: $(status_value pipeline.error)" ;;
  esac
}

tail_is_idle() { [ "$(status_value tail.idle)" = 1 ]; }

snapshot_is_done() {
  case $(status_value pipeline.state) in
    tail | finished) return 0 ;;
    *) return 1 ;;
  esac
}

# One line for each table.
table_lines() {
  sqlite3 :memory: "
    WITH tables AS (
      SELECT value AS t FROM json_each(CAST(readfile('$run_dir/status.json') AS TEXT), '\$.tables')
    )
    SELECT printf('  %-20s %-8s %4d/%d%s chunks %9d rows %9d rows/s %5.1f %%%s',
      t ->> 'table', t ->> 'state', t ->> 'chunksDone', t ->> 'chunksPlanned', iif(t ->> 'planned', '', '+'),
      t ->> 'rows', t ->> 'rowsPerSecond', t ->> 'percent',
      coalesce('  ETA ' || CAST(round(t ->> 'etaSeconds') AS INTEGER) || ' s', ''))
    FROM tables"
}

show_tail() {
  local lag
  lag=$(status_value tail.lagMilliseconds)
  [ -z "$lag" ] || lag="$lag ms"
  say "  tail at $(status_value tail.offset), lag ${lag:-unknown}, $(status_value tail.rows) changes written"
}

# Shows the snapshot until it is done and the tail has begun. On a terminal the lines stay in their place; elsewhere those
# that have changed are printed.
show_snapshot() {
  local text previous='' shown=0 last_progress=$SECONDS
  say "Reading the tables"
  while true; do
    if read_status; then
      fail_if_pipeline_failed
      text=$(table_lines)
      if [ "$text" != "$previous" ]; then
        last_progress=$SECONDS
        draw "$previous" "$text" "$shown"
        shown=$(($(wc -l <<<"$text")))
        previous=$text
      fi
      if snapshot_is_done && [ -n "$(status_value tail.offset)" ]; then break; fi
    fi
    [ $((SECONDS - last_progress)) -lt 120 ] ||
      die "no progress for two minutes: $(tail -n 1 "$run_dir/logs/status.log"); logs are in $run_dir/logs"
    sleep 0.3
  done
  show_tail
}

# draw PREVIOUS TEXT LINES_SHOWN
draw() {
  if [ -t 1 ]; then
    [ "$3" -eq 0 ] || printf '\033[%dA\033[J' "$3"
    printf '%s\n' "$2"
  else
    grep -vxFf <(printf '%s\n' "$1") <<<"$2" || true
  fi
}
