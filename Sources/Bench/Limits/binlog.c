/* Reads the binary log as a replica does: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication.html */
#include "limits.h"

#include <string.h>

enum {
  HEADER = 19,           /* of every event */
  CHECKSUM = 4,          /* behind every event */
  DUMP_NON_BLOCKING = 1, /* answer with an EOF packet at the end of the log, instead of waiting */
  TABLE_MAP = 19,
  MOST_COLUMNS = 4096,
};

/* The last table map seen; a generated backlog has one table at a time. */
struct table_map {
  unsigned columns;
  uint8_t type[MOST_COLUMNS];
  uint16_t meta[MOST_COLUMNS];
};

struct cursor {
  const uint8_t *at;
  const uint8_t *end;
};

static const uint8_t *take(struct cursor *cursor, size_t count) {
  if ((size_t)(cursor->end - cursor->at) < count) give_up("an event ends too early", NULL);
  const uint8_t *start = cursor->at;
  cursor->at += count;
  return start;
}

static uint64_t take_number(struct cursor *cursor, size_t width) {
  const uint8_t *bytes = take(cursor, width);
  uint64_t number = 0;
  for (size_t i = width; i-- > 0;) number = number << 8 | bytes[i];
  return number;
}

static uint64_t take_packed(struct cursor *cursor) {
  uint64_t first = take_number(cursor, 1);
  switch (first) {
    case 0xfc: return take_number(cursor, 2);
    case 0xfd: return take_number(cursor, 3);
    case 0xfe: return take_number(cursor, 8);
    default: return first;
  }
}

static void read_table_map(struct cursor body, struct table_map *map) {
  take(&body, 6 + 2);
  for (int name = 0; name < 2; name++) take(&body, take_number(&body, 1) + 1);
  uint64_t columns = take_packed(&body);
  if (columns > MOST_COLUMNS) give_up("a table has too many columns", NULL);
  map->columns = (unsigned)columns;
  memcpy(map->type, take(&body, columns), columns);
  take_packed(&body);
  for (unsigned i = 0; i < map->columns; i++) {
    switch (map->type[i]) {
      case MYSQL_TYPE_STRING: {
        const uint8_t *bytes = take(&body, 2);
        map->meta[i] = (uint16_t)(bytes[0] << 8 | bytes[1]);
        break;
      }
      case MYSQL_TYPE_VARCHAR: map->meta[i] = (uint16_t)take_number(&body, 2); break;
      case MYSQL_TYPE_BLOB: map->meta[i] = (uint16_t)take_number(&body, 1); break;
      case MYSQL_TYPE_TINY:
      case MYSQL_TYPE_SHORT:
      case MYSQL_TYPE_LONG:
      case MYSQL_TYPE_LONGLONG: map->meta[i] = 0; break;
      default: give_up("the walk knows whole numbers, strings and blobs only", NULL);
    }
  }
}

static void skip_value(struct cursor *body, uint8_t type, uint16_t meta) {
  switch (type) {
    case MYSQL_TYPE_TINY: take(body, 1); break;
    case MYSQL_TYPE_SHORT: take(body, 2); break;
    case MYSQL_TYPE_LONG: take(body, 4); break;
    case MYSQL_TYPE_LONGLONG: take(body, 8); break;
    case MYSQL_TYPE_VARCHAR: take(body, take_number(body, meta > 255 ? 2 : 1)); break;
    case MYSQL_TYPE_BLOB: take(body, take_number(body, meta)); break;
    default: {
      /* Two bits of a long CHAR's length hide, inverted, in the real type's byte. */
      unsigned most = (meta & 0xffu) | ((((unsigned)meta >> 4) & 0x300u) ^ 0x300u);
      take(body, take_number(body, most > 255 ? 2 : 1));
    }
  }
}

static void skip_row(struct cursor *body, const struct table_map *map) {
  const uint8_t *nulls = take(body, (map->columns + 7) / 8);
  for (unsigned i = 0; i < map->columns; i++)
    if (!(nulls[i / 8] >> (i % 8) & 1)) skip_value(body, map->type[i], map->meta[i]);
}

/* Row events of version 1 (23 to 25) and 2 (30 to 32), all columns present. */
static uint64_t count_rows(unsigned type, struct cursor body, const struct table_map *map) {
  take(&body, 6 + 2);
  if (type >= 30) {
    uint64_t extra = take_number(&body, 2);
    if (extra < 2) give_up("a row event's extra length is wrong", NULL);
    take(&body, extra - 2);
  }
  if (take_packed(&body) != map->columns) give_up("a row event does not match its table map", NULL);
  int images = type == 24 || type == 31 ? 2 : 1;
  take(&body, (size_t)images * ((map->columns + 7) / 8));
  uint64_t rows = 0;
  while (body.at < body.end) {
    for (int image = 0; image < images; image++) skip_row(&body, map);
    rows++;
  }
  return rows;
}

static void request_dump(MYSQL *server, const char *file, uint32_t position) {
  if (mysql_query(server, "SET @master_binlog_checksum = 'CRC32', @mariadb_slave_capability = 4,"
                          " @master_heartbeat_period = 0"))
    give_up("SET", mysql_error(server));
  uint8_t request[4 + 2 + 4 + 512];
  size_t name = strlen(file);
  if (name > 512) give_up("the file's name is too long", file);
  const uint32_t server_id = 4141;
  const uint16_t flags = DUMP_NON_BLOCKING;
  memcpy(request, &position, 4);
  memcpy(request + 4, &flags, 2);
  memcpy(request + 6, &server_id, 4);
  memcpy(request + 10, file, name);
  if (server->methods->db_command(server, COM_BINLOG_DUMP, (const char *)request, 10 + name, 1, NULL))
    give_up("COM_BINLOG_DUMP", mysql_error(server));
}

struct tally read_binlog(const char *file, uint32_t position, int walk) {
  static struct table_map map;
  struct tally done = {0};
  MYSQL *server = connect_to_server();
  request_dump(server, file, position);
  for (;;) {
    unsigned long length = mysql_net_read_packet(server);
    if (length == packet_error || length == 0) give_up("reading the log", mysql_error(server));
    const uint8_t *packet = server->net.read_pos;
    if (packet[0] == 0xfe && length < 9) break;
    done.events++;
    done.bytes += length - 1;
    if (!walk || length < 1 + HEADER + CHECKSUM) continue;
    unsigned type = packet[1 + 4];
    struct cursor body = {packet + 1 + HEADER, packet + length - CHECKSUM};
    if (type == TABLE_MAP)
      read_table_map(body, &map);
    else if ((type >= 23 && type <= 25) || (type >= 30 && type <= 32))
      done.rows += count_rows(type, body, &map);
  }
  mysql_close(server);
  return done;
}
