/* What the parts of the limits program share. */
#ifndef LIMITS_H
#define LIMITS_H

#include <mysql.h>
#include <stdint.h>

/* Work done by a reader. */
struct tally {
  uint64_t rows;
  uint64_t bytes;
  uint64_t events;
};

/* Seconds of the monotonic clock. */
double seconds_now(void);

/* Ends the program with a message; `detail` may be NULL. */
_Noreturn void give_up(const char *what, const char *detail);

/* A connection to the server that the environment names (BENCH_HOST, BENCH_PORT, BENCH_USER, BENCH_PASSWORD,
   BENCH_DATABASE). */
MYSQL *connect_to_server(void);

/* Reads a whole table over `connections` connections, each a range of the key `id`. */
struct tally read_table(const char *table, unsigned connections);

/* Reads the tables PREFIX0, PREFIX1 ... one after the other, every one whole, over `connections` connections. */
struct tally read_tables(const char *prefix, unsigned count, unsigned connections);

/* Reads the binary log from a position to its present end; with `walk`, steps through every row image to count rows. */
struct tally read_binlog(const char *file, uint32_t position, int walk);

/* Runs a command and writes its wall time, CPU time, peak memory and status to `report` as JSON. Kills it after
   `limit` seconds. Returns the command's status. */
int measure_command(const char *report, unsigned limit, char **command);

#endif
