#define _GNU_SOURCE
#include "cmysqlshim.h"

// The header leaves the TLS part of its structures out unless the library was built with TLS, as this one is.
#define HAVE_TLS 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

typedef unsigned char uchar;
#include <ma_pvio.h>

int tg_mysql_send_command(MYSQL *mysql, uint8_t command, const void *payload, size_t length) {
  // skip_check = 1: do not wait for an OK packet, the answer is a stream.
  return mysql->methods->db_command(mysql, (enum enum_server_command)command, payload, length, 1, NULL);
}

size_t tg_mysql_read_packet(MYSQL *mysql, const uint8_t **data) {
  unsigned long length = mysql_net_read_packet(mysql);
  // packet_error is an unsigned int, the function returns an unsigned long.
  if (length == packet_error || length == (unsigned long)-1) return (size_t)-1;
  *data = mysql->net.read_pos;
  return length;
}

// libmariadb carries its own copy of OpenSSL's handle but no function to ask it; OpenSSL is asked directly where the
// library was built with it.
static int (*ssl_pending)(const void *);
static pthread_once_t ssl_pending_once = PTHREAD_ONCE_INIT;

static void find_ssl_pending(void) { *(void **)&ssl_pending = dlsym(RTLD_DEFAULT, "SSL_pending"); }

size_t tg_mysql_buffered(MYSQL *mysql) {
  MARIADB_PVIO *pvio = mysql->net.pvio;
  if (pvio == NULL) return 0;
  size_t bytes = 0;
  if (pvio->cache != NULL && pvio->cache_pos > pvio->cache) {
    size_t consumed = (size_t)(pvio->cache_pos - pvio->cache);
    if (pvio->cache_size > consumed) bytes = pvio->cache_size - consumed;
  }
  if (bytes == 0 && pvio->ctls != NULL && pvio->ctls->ssl != NULL) {
    pthread_once(&ssl_pending_once, find_ssl_pending);
    if (ssl_pending != NULL) {
      int pending = ssl_pending(pvio->ctls->ssl);
      if (pending > 0) bytes = (size_t)pending;
    }
  }
  return bytes;
}

int tg_mysql_duplicate_socket(MYSQL *mysql) {
  if (mysql->net.pvio == NULL) return -1;
  int fd = mysql_get_socket(mysql);
  return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int tg_mysql_wait_readable(MYSQL *mysql, int milliseconds) {
  if (mysql->net.pvio == NULL) return -1;
  struct pollfd entry = {.fd = mysql_get_socket(mysql), .events = POLLIN};
  if (entry.fd < 0) return -1;
  int ready = poll(&entry, 1, milliseconds);
  if (ready < 0) return errno == EINTR ? 0 : -1;
  return ready > 0;
}

int tg_mysql_add_attribute(MYSQL *mysql, const char *name, const char *value) {
  return mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, name, value);
}

void tg_socket_keep_alive(int fd) {
  if (fd < 0) return;
  // A peer that has vanished without a word is noticed within about a minute and a half.
  int on = 1, idle = 30, interval = 10, count = 6;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  // While bytes are on their way the kernel asks nothing and repeats them instead, by default for a quarter of an hour.
  unsigned unconfirmed = 90 * 1000;
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unconfirmed, sizeof unconfirmed);
}

int64_t tg_socket_silence(int fd) {
  int unread = 0;
  if (fd < 0 || ioctl(fd, FIONREAD, &unread) != 0) return -1;
  if (unread > 0) return 0;
  struct tcp_info info;
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -1;
  return info.tcpi_last_data_recv;
}

void tg_mysql_set_read_timeout(MYSQL *mysql, int milliseconds) {
  if (mysql->net.pvio != NULL) mysql->net.pvio->timeout[PVIO_READ_TIMEOUT] = milliseconds;
}

int tg_socket_shutdown(int fd) { return shutdown(fd, SHUT_RDWR); }
