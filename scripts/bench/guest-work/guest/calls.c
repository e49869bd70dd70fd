// SPDX-License-Identifier: BSD-2-Clause
/** calls system COUNT: system calls that do nothing. calls fork COUNT: processes that run a program that does nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long system_calls(long count) {
  long done = 0;
  while (done < count && syscall(SYS_getppid) >= 0) done += 1;
  return done;
}

static long forks(long count) {
  long done = 0;
  for (int status; done < count; done += 1) {
    const pid_t child = fork();
    if (child == 0) {
      execl("/bin/true", "true", (char *)NULL);
      _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) break;
  }
  return done;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const long count = atol(argv[2]);
  const long done = strcmp(argv[1], "fork") == 0 ? forks(count) : system_calls(count);
  printf("%ld\n", done);
  return done == count ? 0 : 1;
}
