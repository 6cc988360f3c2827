#include "limits.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_CONNECTIONS = 64 };

struct range {
  pthread_t thread;
  char query[256];
  struct tally done;
};

/* Streams a query's result and adds up the lengths of the values. */
static void read_result(MYSQL *server, const char *query, struct tally *done) {
  if (mysql_query(server, query)) give_up(query, mysql_error(server));
  MYSQL_RES *result = mysql_use_result(server);
  if (!result) give_up(query, mysql_error(server));
  unsigned columns = mysql_num_fields(result);
  while (mysql_fetch_row(result)) {
    const unsigned long *lengths = mysql_fetch_lengths(result);
    for (unsigned column = 0; column < columns; column++) done->bytes += lengths[column];
    done->rows++;
  }
  if (mysql_errno(server)) give_up(query, mysql_error(server));
  mysql_free_result(result);
}

/* One connection of read_table. */
static void *read_range(void *argument) {
  struct range *range = argument;
  MYSQL *server = connect_to_server();
  read_result(server, range->query, &range->done);
  mysql_close(server);
  mysql_thread_end();
  return NULL;
}

static void key_bounds(const char *table, long long *first, long long *last) {
  MYSQL *server = connect_to_server();
  char query[256];
  snprintf(query, sizeof query, "SELECT min(id), max(id) FROM %s", table);
  if (mysql_query(server, query)) give_up(query, mysql_error(server));
  MYSQL_RES *result = mysql_store_result(server);
  MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
  if (!row || !row[0] || !row[1]) give_up("the table is empty", table);
  *first = atoll(row[0]);
  *last = atoll(row[1]);
  mysql_free_result(result);
  mysql_close(server);
}

struct tally read_table(const char *table, unsigned connections) {
  struct range ranges[MOST_CONNECTIONS] = {0};
  if (connections < 1 || connections > MOST_CONNECTIONS) give_up("wants 1 to 64 connections", NULL);
  if (mysql_library_init(0, NULL, NULL)) give_up("the client library does not start", NULL);
  long long first, last;
  key_bounds(table, &first, &last);
  long long width = (last - first) / connections + 1;
  for (unsigned i = 0; i < connections; i++) {
    snprintf(ranges[i].query, sizeof ranges[i].query, "SELECT * FROM %s WHERE id BETWEEN %lld AND %lld", table,
             first + i * width, first + (i + 1) * width - 1);
    if (pthread_create(&ranges[i].thread, NULL, read_range, &ranges[i])) give_up("cannot start a thread", NULL);
  }
  struct tally total = {0};
  for (unsigned i = 0; i < connections; i++) {
    pthread_join(ranges[i].thread, NULL);
    total.rows += ranges[i].done.rows;
    total.bytes += ranges[i].done.bytes;
  }
  return total;
}

struct part {
  pthread_t thread;
  const char *prefix;
  unsigned first;
  unsigned count;
  unsigned step;
  struct tally done;
};

/* One connection of read_tables. */
static void *read_part(void *argument) {
  struct part *part = argument;
  MYSQL *server = connect_to_server();
  char query[256];
  for (unsigned i = part->first; i < part->count; i += part->step) {
    snprintf(query, sizeof query, "SELECT * FROM %s%u", part->prefix, i);
    read_result(server, query, &part->done);
  }
  mysql_close(server);
  mysql_thread_end();
  return NULL;
}

struct tally read_tables(const char *prefix, unsigned count, unsigned connections) {
  struct part parts[MOST_CONNECTIONS] = {0};
  if (connections < 1 || connections > MOST_CONNECTIONS) give_up("wants 1 to 64 connections", NULL);
  if (mysql_library_init(0, NULL, NULL)) give_up("the client library does not start", NULL);
  for (unsigned i = 0; i < connections; i++) {
    parts[i].prefix = prefix;
    parts[i].first = i;
    parts[i].count = count;
    parts[i].step = connections;
    if (pthread_create(&parts[i].thread, NULL, read_part, &parts[i])) give_up("cannot start a thread", NULL);
  }
  struct tally total = {0};
  for (unsigned i = 0; i < connections; i++) {
    pthread_join(parts[i].thread, NULL);
    total.rows += parts[i].done.rows;
    total.bytes += parts[i].done.bytes;
  }
  return total;
}
