// Fixed-prototype functions over libmariadb for what Swift cannot call: variadic functions, function pointers behind
// macros, and the raw packets of the replication commands.
#ifndef CMYSQLSHIM_H
#define CMYSQLSHIM_H
#include <mysql.h>
#include <stddef.h>
#include <stdint.h>

// Sends a command packet whose answer is a stream of packets (COM_BINLOG_DUMP 0x12, COM_BINLOG_DUMP_GTID 0x1e) and does
// not read the answer. Returns 0, or non-zero with the error in the handle.
int tg_mysql_send_command(MYSQL *mysql, uint8_t command, const void *payload, size_t length);

// Reads one packet of any size and points `data` at its bytes, which stay valid until the next call on the handle.
// Returns its length, or (size_t)-1 with the error in the handle (a broken connection, or the server's error packet).
size_t tg_mysql_read_packet(MYSQL *mysql, const uint8_t **data);

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

// Has the kernel ask a silent peer every few seconds whether it is still there.
void tg_socket_keep_alive(int fd);

// Ends both directions of a socket; 0 or -1 with errno.
int tg_socket_shutdown(int fd);
#endif
