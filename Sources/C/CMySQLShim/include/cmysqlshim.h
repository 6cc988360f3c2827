// Fixed-prototype functions over libmariadb for what Swift cannot call: variadic functions, function pointers behind
// macros, and the raw packets of the replication commands.
#ifndef CMYSQLSHIM_H
#define CMYSQLSHIM_H
#include <mysql.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Sends a command packet whose answer is a stream of packets (COM_BINLOG_DUMP 0x12, COM_BINLOG_DUMP_GTID 0x1e) and does
// not read the answer. Returns 0, or non-zero with the error in the handle.
int tg_mysql_send_command(MYSQL *mysql, uint8_t command, const void *payload, size_t length);

// Reads one packet of any size and points `data` at its bytes, which stay valid until the next call on the handle.
// Returns its length, or (size_t)-1 with the error in the handle (a broken connection, or the server's error packet).
size_t tg_mysql_read_packet(MYSQL *mysql, const uint8_t **data);

// The packets that a server sends in a row: a result's rows, or the events of its log. Made once the stream has begun,
// and not used beyond its end. Not for several threads at once. NULL: no memory.
typedef struct tg_packets tg_packets;
tg_packets *tg_packets_create(MYSQL *mysql);
void tg_packets_free(tg_packets *packets);

// As tg_mysql_read_packet. After an error other than the server's own the connection is shut down.
size_t tg_packets_next(tg_packets *packets, const uint8_t **data);

// The next row of a result in text form: its `width` values (NULL: the SQL value) and their lengths in bytes, valid until
// the next call, without a 0 byte behind them. Returns 1, 0 at the end of the rows, or -1 with the error in the handle.
// Not for foreign streams.
int tg_packets_next_row(tg_packets *packets, unsigned width, const char **values, unsigned long *lengths);

// Whether the stream is encrypted or compressed, so that the library itself reads it.
bool tg_packets_is_foreign(const tg_packets *packets);

// Bytes that have arrived in this process and are not yet read; see tg_mysql_buffered.
size_t tg_packets_buffered(const tg_packets *packets);

// Has the library forget that rows are under way, when a stream is given up together with its connection.
void tg_mysql_abandon_rows(MYSQL *mysql);

// Bytes that have arrived in this process and are not yet read (the library's read-ahead, and OpenSSL's): more than 0
// means that a read can begin without waiting, although poll(2) may not say so.
size_t tg_mysql_buffered(MYSQL *mysql);

// A duplicate (close-on-exec) of the connection's socket, or -1. shutdown(2) on it ends the connection whatever the
// library does with its own descriptor meanwhile.
int tg_mysql_duplicate_socket(MYSQL *mysql);

// Waits up to `milliseconds` until the socket is readable: 1, 0 when the time is over, -1 when the handle has no socket.
int tg_mysql_wait_readable(MYSQL *mysql, int milliseconds);

// Adds a connection attribute, visible in performance_schema.
int tg_mysql_add_attribute(MYSQL *mysql, const char *name, const char *value);

// Has the kernel ask a silent peer every few seconds whether it is still there, and give up a peer that does not confirm
// what was sent to it.
void tg_socket_keep_alive(int fd);

// Milliseconds for which nothing has arrived from the peer although everything that had arrived was read; 0 while there
// is something to read. -1 when `fd` is no TCP connection.
int64_t tg_socket_silence(int fd);

// Changes how long the connection waits for bytes from now on. An array's entry, as the library exports no function.
void tg_mysql_set_read_timeout(MYSQL *mysql, int milliseconds);

// Ends both directions of a socket; 0 or -1 with errno.
int tg_socket_shutdown(int fd);
#endif
