/* Faults of storage and clock, for programs that are started with this library preloaded. CLOCKWORK_FAULTS lists
 * them, separated by commas:
 *
 *   no-locks            flock fails with ENOSYS
 *   no-lock-server      flock fails with ENOLCK
 *   no-links            symbolic and hard links fail with EPERM
 *   read-only=PATH      nothing at or under PATH can be made, written to or removed: EROFS
 *   full-after=BYTES    files take so many bytes in all, then ENOSPC
 *   year-10000          the clock shows a time past the year 9999
 *
 * Only what is called through the C library is reached. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* Seconds from 1970 to the year 10000. */
#define YEAR_10000 253402300800

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* What follows the name of a fault that is asked for; empty if nothing does, NULL if it is not asked for. */
static const char *fault(const char *name, char value[PATH_MAX]) {
  const char *at = getenv("CLOCKWORK_FAULTS");
  size_t length = strlen(name);
  while (at != NULL && *at != 0) {
    size_t end = strcspn(at, ",");
    if (end >= length && strncmp(at, name, length) == 0 && (end == length || at[length] == '=')) {
      size_t start = end == length ? length : length + 1;
      size_t size = end - start < PATH_MAX - 1 ? end - start : PATH_MAX - 1;
      memcpy(value, at + start, size);
      value[size] = 0;
      return value;
    }
    at += at[end] == ',' ? end + 1 : end;
  }
  return NULL;
}

static int has(const char *name) {
  char value[PATH_MAX];
  return fault(name, value) != NULL;
}

/* Whether a path may not be changed. Its directory must be there. */
static int is_read_only(const char *path) {
  char under[PATH_MAX], real[PATH_MAX], directory[PATH_MAX];
  if (fault("read-only", under) == NULL) return 0;
  if (realpath(path, real) == NULL) {
    strncpy(directory, path, PATH_MAX - 1);
    directory[PATH_MAX - 1] = 0;
    char *slash = strrchr(directory, '/');
    if (slash == NULL) strcpy(directory, ".");
    else if (slash == directory) slash[1] = 0;
    else *slash = 0;
    if (realpath(directory, real) == NULL) return 0;
  }
  size_t length = strlen(under);
  return strncmp(real, under, length) == 0 && (real[length] == 0 || real[length] == '/');
}

static int refuse(int error) {
  errno = error;
  return -1;
}

int flock(int fd, int operation) {
  if (has("no-locks")) return refuse(ENOSYS);
  if (has("no-lock-server")) return refuse(ENOLCK);
  return NEXT(flock)(fd, operation);
}

int symlink(const char *target, const char *path) {
  if (has("no-links")) return refuse(EPERM);
  if (is_read_only(path)) return refuse(EROFS);
  return NEXT(symlink)(target, path);
}

int link(const char *from, const char *to) {
  if (has("no-links")) return refuse(EPERM);
  if (is_read_only(to)) return refuse(EROFS);
  return NEXT(link)(from, to);
}

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags) {
  if (has("no-links")) return refuse(EPERM);
  if (is_read_only(to)) return refuse(EROFS);
  return NEXT(linkat)(from_directory, from, to_directory, to, flags);
}

int mkdir(const char *path, mode_t mode) {
  struct stat there;
  if (is_read_only(path)) return refuse(stat(path, &there) == 0 ? EEXIST : EROFS);
  return NEXT(mkdir)(path, mode);
}

int rename(const char *from, const char *to) {
  if (is_read_only(to)) return refuse(EROFS);
  return NEXT(rename)(from, to);
}

int unlink(const char *path) {
  if (is_read_only(path)) return refuse(EROFS);
  return NEXT(unlink)(path);
}

#define OPEN(name)                                                        \
  int name(const char *path, int flags, ...) {                            \
    va_list arguments;                                                    \
    va_start(arguments, flags);                                           \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(arguments, mode_t) : 0; \
    va_end(arguments);                                                    \
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);    \
    if (writes && is_read_only(path)) return refuse(EROFS);               \
    return NEXT(name)(path, flags, mode);                                 \
  }

OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *bytes, size_t count) {
  static _Atomic long long written;
  char value[PATH_MAX];
  struct stat of;
  if (fault("full-after", value) != NULL && fstat(fd, &of) == 0 && S_ISREG(of.st_mode)) {
    long long room = atoll(value) - atomic_fetch_add(&written, (long long)count);
    if (room <= 0) return refuse(ENOSPC);
    if (room < (long long)count) count = (size_t)room;
  }
  return NEXT(write)(fd, bytes, count);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int done = NEXT(clock_gettime)(clock, time);
  if (done == 0 && clock == CLOCK_REALTIME && has("year-10000")) time->tv_sec += YEAR_10000;
  return done;
}
