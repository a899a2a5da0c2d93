/* Loaded before the C library (LD_PRELOAD): calls that write to files of one folder fail, or write a part, as they do on
   a disk that is full or breaks; and the time of day is another. What is to fail stands in a file of numbers that
   this process shares with whoever injects the faults (shim.py has them by name), so that both can change it at any time.

   What glibc's streams and maps of memory write by themselves goes past it; of the streams, fwrite is here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SHORT = 1 };

struct control {
    int64_t seen;   /* calls so far, of all processes */
    int64_t at;     /* the call that fails; 0: none by its number */
    int64_t fault;  /* 0: none; SHORT: a part is written; else the errno */
    int64_t lasts;  /* 1: so do all calls after that one */
    int64_t share;  /* of a million calls, drawn: so many fail; 0: none */
    int64_t seed;   /* of what is drawn */
    int64_t struck; /* calls that failed */
    int64_t clock;  /* seconds that are added to the time of day */
    int64_t part;   /* 1: only files whose path has the text in KIYAS_SHIM_PART */
};

static struct control *control;
static char under[4096];
static size_t length;
static const char *part;

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("KIYAS_SHIM"), *folder = getenv("KIYAS_SHIM_UNDER");
    if (!file)
        return;
    int opened = open(file, O_RDWR | O_CLOEXEC);
    if (opened < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
    syscall(SYS_close, opened);
    if (mapped == MAP_FAILED)
        return;
    if (folder && strlen(folder) < sizeof under)
        length = strlen(strcpy(under, folder));
    part = getenv("KIYAS_SHIM_PART");
    control = mapped;
}

/* Whether a call on this file is to fail. */
static int strikes(int file, int writes, size_t count)
{
    if (!control || !length || !control->fault || (control->fault == SHORT && (!writes || count < 2)))
        return 0;
    int before = errno;
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t found = readlink(link, name, sizeof name - 1);
    errno = before;
    if (found <= (ssize_t)length || strncmp(name, under, length) || name[length] != '/')
        return 0;
    name[found] = 0;
    if (control->part && !(part && strstr(name + length, part)))
        return 0;
    int64_t number = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
    int fails = control->at && (number == control->at || (control->lasts && number > control->at));
    if (control->share) { /* splitmix64 of the number and the seed */
        uint64_t drawn = (uint64_t)number * 0x9e3779b97f4a7c15u + (uint64_t)control->seed;
        drawn = (drawn ^ (drawn >> 30)) * 0xbf58476d1ce4e5b9u;
        drawn = (drawn ^ (drawn >> 27)) * 0x94d049bb133111ebu;
        fails |= (int64_t)((drawn ^ (drawn >> 31)) % 1000000) < control->share;
    }
    if (fails)
        __atomic_add_fetch(&control->struck, 1, __ATOMIC_SEQ_CST);
    return fails;
}

/* What a struck call gives: -1 with errno, or how much of `count` it may write. */
static ssize_t part_of(size_t count)
{
    if (control->fault == SHORT)
        return (ssize_t)(count / 2);
    errno = (int)control->fault;
    return -1;
}

/* Whether a call that writes is refused, with errno; `count` becomes what it may write. */
static int refused(int file, size_t *count)
{
    if (!strikes(file, 1, *count))
        return 0;
    ssize_t part = part_of(*count);
    if (part >= 0)
        *count = (size_t)part;
    return part < 0;
}

ssize_t write(int file, const void *from, size_t count)
{
    if (refused(file, &count))
        return -1;
    return syscall(SYS_write, file, from, count);
}

ssize_t pwrite64(int file, const void *from, size_t count, off64_t place)
{
    if (refused(file, &count))
        return -1;
    return syscall(SYS_pwrite64, file, from, count, place);
}

ssize_t pwrite(int file, const void *from, size_t count, off_t place)
{
    return pwrite64(file, from, count, place);
}

ssize_t writev(int file, const struct iovec *parts, int many)
{
    size_t count = 0;
    for (int one = 0; one < many; one++)
        count += parts[one].iov_len;
    if (strikes(file, 1, count)) {
        if (part_of(count) < 0)
            return -1;
        if (many > 1)
            many = 1; /* the first part alone */
    }
    return syscall(SYS_writev, file, parts, many);
}

ssize_t sendfile64(int to, int from, off64_t *place, size_t count)
{
    if (refused(to, &count))
        return -1;
    return syscall(SYS_sendfile, to, from, place, count);
}

ssize_t sendfile(int to, int from, off_t *place, size_t count)
{
    return sendfile64(to, from, place, count);
}

ssize_t copy_file_range(int from, off64_t *place, int to, off64_t *there, size_t count, unsigned flags)
{
    if (refused(to, &count))
        return -1;
    return syscall(SYS_copy_file_range, from, place, to, there, count, flags);
}

size_t fwrite(const void *from, size_t size, size_t many, FILE *stream)
{
    static size_t (*real)(const void *, size_t, size_t, FILE *);
    if (!real)
        real = (size_t(*)(const void *, size_t, size_t, FILE *))dlsym(RTLD_NEXT, "fwrite");
    /* A stream writes on after a part; only where that fails does its caller hear of it. */
    if (control && control->fault != SHORT && strikes(fileno(stream), 1, size * many)) {
        errno = (int)control->fault;
        return 0;
    }
    return real(from, size, many, stream);
}

int fsync(int file)
{
    return strikes(file, 0, 0) ? (int)part_of(0) : (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    return strikes(file, 0, 0) ? (int)part_of(0) : (int)syscall(SYS_fdatasync, file);
}

/* Whether a file that is closed was opened for writing: of others, nothing is left to write. */
static int was_written(int file)
{
    int before = errno, flags = fcntl(file, F_GETFL);
    errno = before;
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

/* The file is closed in either case, as Linux has it. */
int close(int file)
{
    int fails = control && control->fault > SHORT && was_written(file) && strikes(file, 0, 0);
    int closed = (int)syscall(SYS_close, file);
    return fails ? (int)part_of(0) : closed;
}

int clock_gettime(clockid_t which, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, which, now);
    if (!result && control && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        now->tv_sec += control->clock;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec found;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where)
{
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (where)
        *where = found.tv_sec;
    return found.tv_sec;
}
