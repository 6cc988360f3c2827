// Packets of the client/server protocol, taken straight out of a large buffer.
//
// The library reads 16 KiB at a time and copies every packet, and every row once more. Streams of rows and of the binary
// log are read here instead: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html.
#define _GNU_SOURCE
#include "cmysqlshim.h"

// The header leaves the TLS part of its structures out unless the library was built with TLS, as this one is.
#define HAVE_TLS 1
#include <errmsg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef unsigned char uchar;
#include <ma_pvio.h>

enum { header_size = 4, longest_part = 0xffffff };

// What one read asks for; also the buffer's size as long as no packet is larger.
static const size_t piece = 256 * 1024;
// No packet of a server is larger (max_allowed_packet), but for a few bytes in front of the largest event.
static const size_t longest_packet = ((size_t)1 << 30) + (1 << 20);

struct tg_packets {
  MYSQL *mysql;
  uint8_t *buffer;
  size_t capacity;
  // Bytes that have arrived and are not handed out: from `begin` up to `end`.
  size_t begin, end;
  // The number that the next packet must carry.
  uint8_t number;
  // The connection can be read by the library alone: it is encrypted or compressed.
  bool is_foreign;
};

static size_t failed(tg_packets *packets, unsigned code, const char *state, const char *message, size_t length) {
  NET *net = &packets->mysql->net;
  net->last_errno = code;
  if (length >= sizeof net->last_error) length = sizeof net->last_error - 1;
  memcpy(net->last_error, message, length);
  net->last_error[length] = 0;
  memcpy(net->sqlstate, state, SQLSTATE_LENGTH);
  net->sqlstate[SQLSTATE_LENGTH] = 0;
  return (size_t)-1;
}

// What is left of the stream is of no use to anybody: nothing may take it for an answer.
static size_t broken(tg_packets *packets, unsigned code, const char *message) {
  shutdown(mysql_get_socket(packets->mysql), SHUT_RDWR);
  packets->begin = packets->end = 0;
  return failed(packets, code, "HY000", message, strlen(message));
}

tg_packets *tg_packets_create(MYSQL *mysql) {
  tg_packets *packets = calloc(1, sizeof *packets);
  if (packets == NULL) return NULL;
  MARIADB_PVIO *pvio = mysql->net.pvio;
  packets->mysql = mysql;
  packets->is_foreign = pvio == NULL || pvio->ctls != NULL || mysql->net.compress;
  if (packets->is_foreign) return packets;
  packets->buffer = malloc(piece);
  if (packets->buffer == NULL) {
    free(packets);
    return NULL;
  }
  packets->capacity = piece;
  packets->number = (uint8_t)mysql->net.pkt_nr;
  // What the library has read ahead belongs to the stream.
  if (pvio->cache != NULL && pvio->cache_pos > pvio->cache) {
    size_t consumed = (size_t)(pvio->cache_pos - pvio->cache);
    if (pvio->cache_size > consumed) {
      packets->end = pvio->cache_size - consumed;
      memcpy(packets->buffer, pvio->cache_pos, packets->end);
    }
    pvio->cache_pos = pvio->cache;
    pvio->cache_size = 0;
  }
  return packets;
}

void tg_packets_free(tg_packets *packets) {
  if (packets == NULL) return;
  free(packets->buffer);
  free(packets);
}

size_t tg_packets_buffered(const tg_packets *packets) {
  return packets->is_foreign ? tg_mysql_buffered(packets->mysql) : packets->end - packets->begin;
}

// Makes `wanted` bytes available from `begin` on; false after an error.
static bool fill(tg_packets *packets, size_t wanted) {
  if (packets->end - packets->begin >= wanted) return true;
  if (packets->begin > 0) {
    memmove(packets->buffer, packets->buffer + packets->begin, packets->end - packets->begin);
    packets->end -= packets->begin;
    packets->begin = 0;
  }
  // The buffer grows with what has arrived, not with what a header promises.
  while (packets->end < wanted) {
    if (packets->end == packets->capacity) {
      size_t larger = packets->capacity * 2;
      uint8_t *moved = realloc(packets->buffer, larger);
      if (moved == NULL) {
        broken(packets, CR_OUT_OF_MEMORY, "no memory for a packet");
        return false;
      }
      packets->buffer = moved;
      packets->capacity = larger;
    }
    MARIADB_PVIO *pvio = packets->mysql->net.pvio;
    ssize_t count = pvio == NULL ? -1
                                 : pvio->methods->read(pvio, packets->buffer + packets->end,
                                                       packets->capacity - packets->end);
    if (count <= 0) {
      broken(packets, CR_SERVER_LOST, "Lost connection to server while reading");
      return false;
    }
    packets->end += (size_t)count;
  }
  return true;
}

// A large packet is not kept: the buffer shrinks again once it has been handed out.
static void shrink(tg_packets *packets) {
  if (packets->capacity <= 16 * piece || packets->end > packets->begin) return;
  uint8_t *smaller = realloc(packets->buffer, piece);
  if (smaller == NULL) return;
  packets->buffer = smaller;
  packets->capacity = piece;
  packets->begin = packets->end = 0;
}

static size_t server_error(tg_packets *packets, const uint8_t *data, size_t length) {
  if (length < 3) return broken(packets, CR_MALFORMED_PACKET, "Malformed packet");
  unsigned code = data[1] | (unsigned)data[2] << 8;
  data += 3;
  length -= 3;
  char state[SQLSTATE_LENGTH + 1] = "HY000";
  if (length > SQLSTATE_LENGTH && data[0] == '#') {
    memcpy(state, data + 1, SQLSTATE_LENGTH);
    data += SQLSTATE_LENGTH + 1;
    length -= SQLSTATE_LENGTH + 1;
  }
  return failed(packets, code, state, (const char *)data, length);
}

// Joins the parts of a packet of 16 MiB or more in place: the first one, of the full length, is in the buffer from
// `begin` on.
static size_t join(tg_packets *packets) {
  size_t length = longest_part;
  for (;;) {
    // Header of the next part, behind what was joined so far.
    if (!fill(packets, header_size + length + header_size)) return (size_t)-1;
    uint8_t *header = packets->buffer + packets->begin + header_size + length;
    size_t part = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
    if (header[3] != packets->number++) return broken(packets, CR_MALFORMED_PACKET, "Packets out of order");
    if (length + part > longest_packet) return broken(packets, CR_NET_PACKET_TOO_LARGE, "Packet too large");
    if (!fill(packets, header_size + length + header_size + part)) return (size_t)-1;
    header = packets->buffer + packets->begin + header_size + length;
    size_t behind = packets->end - (size_t)(header - packets->buffer) - header_size;
    memmove(header, header + header_size, behind);
    packets->end -= header_size;
    length += part;
    if (part < longest_part) return length;
  }
}

size_t tg_packets_next(tg_packets *packets, const uint8_t **data) {
  if (packets->is_foreign) return tg_mysql_read_packet(packets->mysql, data);
  shrink(packets);
  if (!fill(packets, header_size)) return (size_t)-1;
  const uint8_t *header = packets->buffer + packets->begin;
  size_t length = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
  if (header[3] != packets->number++) return broken(packets, CR_MALFORMED_PACKET, "Packets out of order");
  if (!fill(packets, header_size + length)) return (size_t)-1;
  if (length == longest_part && (length = join(packets)) == (size_t)-1) return (size_t)-1;
  *data = packets->buffer + packets->begin + header_size;
  packets->begin += header_size + length;
  if (length > 0 && (*data)[0] == 0xff) return server_error(packets, *data, length);
  return length;
}

// A length-encoded integer at `*place`; false when it does not lie before `end`. NULL is told apart by the caller.
static inline bool read_length(const uint8_t **place, const uint8_t *end, size_t *length) {
  const uint8_t *p = *place;
  size_t bytes = *p < 0xfb ? 0 : *p == 0xfc ? 2 : *p == 0xfd ? 3 : 8;
  if ((size_t)(end - p) < bytes + 1) return false;
  if (bytes == 0) {
    *length = *p;
  } else {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) value |= (uint64_t)p[1 + i] << (8 * i);
    *length = (size_t)value;
  }
  *place = p + 1 + bytes;
  return true;
}

int tg_packets_next_row(tg_packets *packets, unsigned width, const char **values, unsigned long *lengths) {
  const uint8_t *place;
  size_t size = tg_packets_next(packets, &place);
  if (size == (size_t)-1) return -1;
  // A row that begins with this byte has a value of 16 MiB at least.
  if (size > 0 && place[0] == 0xfe && size < longest_part) {
    packets->mysql->status = MYSQL_STATUS_READY;
    return 0;
  }
  const uint8_t *end = place + size;
  for (unsigned column = 0; column < width; column++) {
    size_t length;
    if (place == end) goto malformed;
    if (*place == 0xfb) {
      values[column] = NULL;
      lengths[column] = 0;
      place++;
      continue;
    }
    if (*place == 0xff || !read_length(&place, end, &length) || (size_t)(end - place) < length) goto malformed;
    values[column] = (const char *)place;
    lengths[column] = length;
    place += length;
  }
  if (place == end) return 1;
malformed:
  broken(packets, CR_MALFORMED_PACKET, "Malformed packet");
  return -1;
}

bool tg_packets_is_foreign(const tg_packets *packets) { return packets->is_foreign; }

void tg_mysql_abandon_rows(MYSQL *mysql) {
  mysql->status = MYSQL_STATUS_READY;
}
