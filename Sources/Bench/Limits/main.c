/* The floor under every reader: the same client library, nothing decoded, nothing kept.
 *
 *   bench-limits snapshot TABLE CONNECTIONS
 *   bench-limits tables PREFIX COUNT CONNECTIONS
 *   bench-limits binlog FILE POSITION [walk]
 *   bench-limits measure REPORT SECONDS COMMAND [ARGUMENT...]
 *
 * The readers print one line of JSON. `measure` is here, and not in the benchmark's runner, because a process inherits the
 * peak memory of the one that started it: this program is small. */
#include "limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void give_up(const char *what, const char *detail) {
  fprintf(stderr, "bench-limits: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
  exit(1);
}

static const char *setting(const char *name, const char *fallback) {
  const char *value = getenv(name);
  return value ? value : fallback;
}

MYSQL *connect_to_server(void) {
  MYSQL *server = mysql_init(NULL);
  if (!server) give_up("out of memory", NULL);
  if (!mysql_real_connect(server, setting("BENCH_HOST", "127.0.0.1"), setting("BENCH_USER", "root"),
                          setting("BENCH_PASSWORD", ""), setting("BENCH_DATABASE", "bench"),
                          (unsigned)strtoul(setting("BENCH_PORT", "3306"), NULL, 10), NULL, 0))
    give_up("cannot connect", mysql_error(server));
  return server;
}

static int usage(void) {
  fputs("usage: bench-limits snapshot TABLE CONNECTIONS\n"
        "       bench-limits tables PREFIX COUNT CONNECTIONS\n"
        "       bench-limits binlog FILE POSITION [walk]\n"
        "       bench-limits measure REPORT SECONDS COMMAND [ARGUMENT...]\n",
        stderr);
  return 2;
}

int main(int count, char **words) {
  if (count >= 5 && strcmp(words[1], "measure") == 0)
    return measure_command(words[2], (unsigned)strtoul(words[3], NULL, 10), words + 4);
  if (count < 4) return usage();
  double start = seconds_now();
  struct tally done;
  if (strcmp(words[1], "snapshot") == 0 && count == 4)
    done = read_table(words[2], (unsigned)strtoul(words[3], NULL, 10));
  else if (strcmp(words[1], "tables") == 0 && count == 5)
    done = read_tables(words[2], (unsigned)strtoul(words[3], NULL, 10), (unsigned)strtoul(words[4], NULL, 10));
  else if (strcmp(words[1], "binlog") == 0 && (count == 4 || (count == 5 && strcmp(words[4], "walk") == 0)))
    done = read_binlog(words[2], (uint32_t)strtoul(words[3], NULL, 10), count == 5);
  else
    return usage();
  printf("{\"seconds\": %.6f, \"rows\": %llu, \"bytes\": %llu, \"events\": %llu}\n", seconds_now() - start,
         (unsigned long long)done.rows, (unsigned long long)done.bytes, (unsigned long long)done.events);
  return 0;
}
