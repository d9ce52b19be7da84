/* Makes reading or writing a store fail with EIO, for the tests: preloaded into one process.
 *
 * EIO_ON=write|read|both  which calls count and fail
 * EIO_AFTER=n             the n-th such call is the first to fail
 * EIO_FOR=n               how many fail
 * Only regular files whose name has "store.db" in it are touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long calls;

static int ours(int fd) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0) return 0;
    name[length] = 0;
    return strstr(name, "store.db") != NULL && strstr(name, "-head") == NULL;
}

static int fails(int fd, const char *kind) {
    const char *on = getenv("EIO_ON"), *after = getenv("EIO_AFTER"), *span = getenv("EIO_FOR");
    if (!on || !after || !span || !ours(fd)) return 0;
    if (strcmp(on, "both") && strcmp(on, kind)) return 0;
    long call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (call < atol(after) || call >= atol(after) + atol(span)) return 0;
    errno = EIO;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    return fails(fd, "write") ? -1 : REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return fails(fd, "write") ? -1 : REAL(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    return fails(fd, "write") ? -1 : REAL(pwrite64)(fd, data, size, at);
}
int fsync(int fd) { return fails(fd, "write") ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails(fd, "write") ? -1 : REAL(fdatasync)(fd); }
ssize_t read(int fd, void *data, size_t size) {
    return fails(fd, "read") ? -1 : REAL(read)(fd, data, size);
}
ssize_t pread(int fd, void *data, size_t size, off_t at) {
    return fails(fd, "read") ? -1 : REAL(pread)(fd, data, size, at);
}
ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
    return fails(fd, "read") ? -1 : REAL(pread64)(fd, data, size, at);
}
