#define _GNU_SOURCE
#include "limits.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static volatile sig_atomic_t out_of_time;

static void on_alarm(int number) {
  (void)number;
  out_of_time = 1;
}

static double seconds_of(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec * 1e-6; }

int measure_command(const char *report, unsigned limit, char **command) {
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  double start = seconds_now();
  pid_t child;
  int failure = posix_spawnp(&child, command[0], NULL, NULL, command, environ);
  if (failure) give_up(command[0], strerror(failure));
  alarm(limit);
  int status;
  struct rusage used;
  while (wait4(child, &status, 0, &used) < 0) {
    if (errno != EINTR) give_up("wait4", strerror(errno));
    if (out_of_time) kill(child, SIGKILL);
  }
  double wall = seconds_now() - start;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  FILE *file = fopen(report, "w");
  if (!file) give_up(report, strerror(errno));
  fprintf(file, "{\"wall\": %.6f, \"user\": %.6f, \"system\": %.6f, \"peakResidentKiB\": %ld, \"status\": %d}\n", wall,
          seconds_of(used.ru_utime), seconds_of(used.ru_stime), used.ru_maxrss, code);
  if (fclose(file)) give_up(report, strerror(errno));
  return code;
}
