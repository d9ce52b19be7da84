/* Has the wall clock stand in the year 11476, for the tests: preloaded into one process. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *at) {
    long done = syscall(SYS_clock_gettime, clock, at);
    if (done == 0 && clock == CLOCK_REALTIME) at->tv_sec = 300000000000L;
    return (int)done;
}
