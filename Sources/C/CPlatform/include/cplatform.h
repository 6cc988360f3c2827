// Thin shims over what Swift cannot call on Linux: GNU extensions, macros, variadics.
#ifndef CPLATFORM_H
#define CPLATFORM_H
#include <pthread.h>
#include <stdint.h>

// Names the calling thread (at most 15 bytes are kept).
void tg_thread_set_name(const char *name);

// Nanoseconds of CLOCK_MONOTONIC.
uint64_t tg_monotonic_ns(void);
// Nanoseconds since 1970-01-01 UTC (CLOCK_REALTIME).
int64_t tg_realtime_ns(void);

// Initialises a condition variable that waits on CLOCK_MONOTONIC.
int tg_cond_init(pthread_cond_t *cond);
// Waits until signalled or until `deadline_ns` of CLOCK_MONOTONIC has passed; returns 0 or ETIMEDOUT.
int tg_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns);

// Blocks SIGINT, SIGTERM and SIGHUP in the calling thread (and its children) and ignores SIGPIPE.
void tg_signals_block(void);
// Waits for one of the blocked signals and returns its number.
int tg_signals_wait(void);

// open(2), fcntl(2) lock calls, which are variadic.
int tg_open(const char *path, int flags, unsigned mode);
// Takes an exclusive advisory lock on a whole file without waiting: 0, or -1 with errno.
int tg_lock_file(int fd);
// Kills the calling process with SIGKILL; for failpoints.
void tg_kill_self(void);
// Peak resident set of this process in KiB.
long tg_peak_rss_kib(void);
// User and system CPU time of this process in microseconds.
int64_t tg_cpu_time_us(void);
// Lets malloc keep at most so many arenas.
void tg_memory_limit_arenas(int count);
#endif
