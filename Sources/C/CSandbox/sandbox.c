#define _GNU_SOURCE
#include "CSandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct csandbox_page {
    _Atomic uint32_t item;
    _Atomic uint32_t turn;
    _Atomic uint32_t reason;
};

/// Where the text begins in the page.
static const size_t text_start = 64;

// MARK: The page

size_t csandbox_page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static int map_page(int descriptor, struct csandbox_page **page) {
    void *memory = mmap(NULL, csandbox_page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) return -errno;
    *page = memory;
    return 0;
}

int csandbox_page_make(struct csandbox_page **page) {
    int descriptor = memfd_create("streambridge-expressions", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -errno;
    // A page that the worker could take away would end the program.
    int isMade = ftruncate(descriptor, (off_t)csandbox_page_size()) == 0 &&
                 fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
    int result = isMade ? map_page(descriptor, page) : -errno;
    if (result == 0) return descriptor;
    close(descriptor);
    return result;
}

void csandbox_page_unmap(struct csandbox_page *page) { munmap(page, csandbox_page_size()); }

uint32_t csandbox_item(const struct csandbox_page *page) { return atomic_load(&page->item); }
uint32_t csandbox_turn(const struct csandbox_page *page) { return atomic_load(&page->turn); }
uint32_t csandbox_reason(const struct csandbox_page *page) { return atomic_load(&page->reason); }

size_t csandbox_text(const struct csandbox_page *page, char *text, size_t size) {
    const volatile char *written = (const volatile char *)page + text_start;
    size_t length = csandbox_page_size() - text_start;
    if (length > size) length = size;
    size_t count = 0;
    while (count < length && (text[count] = written[count]) != 0) count++;
    return count;
}

// MARK: Starting a worker

int csandbox_spawn(const char *path, char *const arguments[], char *const environment[], int first, int second) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0) return -failure;
    posix_spawnattr_init(&attributes);
    sigset_t blocked, all;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &blocked);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t process = -1;
    // Neither of the two may stand where the other goes: they are moved out of the way first.
    int low = fcntl(first, F_DUPFD_CLOEXEC, 10);
    int high = fcntl(second, F_DUPFD_CLOEXEC, 10);
    if (low < 0 || high < 0) failure = errno;
    if (failure == 0) failure = posix_spawn_file_actions_adddup2(&actions, low, 0);
    if (failure == 0) failure = posix_spawn_file_actions_adddup2(&actions, high, 1);
    if (failure == 0) failure = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (failure == 0) failure = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (failure == 0) failure = posix_spawn(&process, path, &actions, &attributes, arguments, environment);
    if (low >= 0) close(low);
    if (high >= 0) close(high);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure == 0 ? process : -failure;
}

// MARK: Inside a worker

static struct csandbox_page *watched = NULL;
static const uint32_t tick = 10;
static void look(int signal);
static void renew(uint64_t now);

int csandbox_enter(struct csandbox_page **page) {
    int result = map_page(1, page);
    if (result != 0) return result;
    watched = *page;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // The name that top shows.
    prctl(PR_SET_NAME, "expressions", 0, 0, 0);
    // Standard output is what standard error was, and that is the page.
    int null = dup(2);
    dup2(1, 2);
    dup2(null, 1);
    lseek(2, (off_t)text_start, SEEK_SET);
    closefrom(3);
    // A terminal and systemd send these to every process of the program, which needs its workers until it has ended in order.
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // What one event needed goes back to the system.
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    mallopt(M_ARENA_MAX, 1);
    // When the machine has no memory left, a worker is what it can do without.
    FILE *score = fopen("/proc/self/oom_score_adj", "we");
    if (score != NULL) {
        fputs("1000", score);
        fclose(score);
    }
    // The file of the time zone is read at the first use.
    time_t now = time(NULL);
    struct tm parts;
    tzset();
    localtime_r(&now, &parts);
    renew(csandbox_processor_time());
    struct sigaction action = {0};
    action.sa_handler = look;
    action.sa_flags = SA_RESTART;
    sigaction(SIGPROF, &action, NULL);
    // Runs only while the process does.
    struct itimerval interval = {{0, tick * 1000}, {0, tick * 1000}};
    setitimer(ITIMER_PROF, &interval, NULL);
    return 0;
}

static void limit(int resource, rlim_t value) {
    struct rlimit limit = {value, value};
    setrlimit(resource, &limit);
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

int csandbox_confine(void) {
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, csandbox_page_size());
    limit(RLIMIT_NOFILE, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
#ifdef ARCHITECTURE
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
    struct sock_filter instructions[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        REFUSE,
        LOAD(nr),
        ALLOW(read),
        ALLOW(write),
        ALLOW(brk),
        ALLOW(mmap),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(madvise),
        ALLOW(mprotect),
        ALLOW(clock_gettime),
        ALLOW(gettimeofday),
        ALLOW(getrandom),
        ALLOW(futex),
        ALLOW(rt_sigreturn),
        ALLOW(rt_sigprocmask),
        ALLOW(restart_syscall),
        ALLOW(exit),
        ALLOW(exit_group),
        // Its own limits only: the first argument is 0 (both halves of it).
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_prlimit64, 1, 0),
        REFUSE,
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        REFUSE,
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof instructions / sizeof instructions[0], instructions};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : errno;
#else
    return ENOSYS;
#endif
}

void csandbox_allow_memory(size_t bytes) {
    // What the allocator has, used or not, and what lay in the address space before it had anything.
    static size_t before = 0;
    struct mallinfo2 memory = mallinfo2();
    size_t own = memory.arena + memory.hblkhd;
    if (before == 0) {
        unsigned long pages = 0;
        FILE *file = fopen("/proc/self/statm", "re");
        if (file != NULL) {
            if (fscanf(file, "%lu", &pages) != 1) pages = 0;
            fclose(file);
        }
        size_t total = pages * csandbox_page_size();
        before = total > own ? total - own : 1;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0) return;
    limit.rlim_cur = before + own + bytes;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
}

// MARK: Time

static _Atomic uint32_t allowed = 0;

/// What the kernel ends the process after if its own look at the clock fails, in seconds of processor time from the last piece of work.
static const uint64_t spare_seconds = 10;

uint64_t csandbox_processor_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/// Moves the kernel's limit on.
static void renew(uint64_t now) {
    static uint64_t until = 0;
    if (now / 1000 + spare_seconds / 2 < until) return;
    until = now / 1000 + spare_seconds;
    struct rlimit limit = {until, RLIM_INFINITY};
    setrlimit(RLIMIT_CPU, &limit);
}

static void look(int signal) {
    static uint32_t seen = 0;
    static uint64_t since = 0;
    (void)signal;
    int kept = errno;
    uint32_t turn = atomic_load(&watched->turn);
    uint64_t now = csandbox_processor_time();
    if (turn != seen) {
        seen = turn;
        since = now;
        renew(now);
    } else if (atomic_load(&watched->item) == 0) {
        renew(now);
    } else if (now - since + tick > atomic_load(&allowed)) {
        csandbox_leave(csandbox_time);
    }
    errno = kept;
}

void csandbox_begin(uint32_t item, uint32_t milliseconds) {
    atomic_store(&allowed, milliseconds);
    atomic_fetch_add(&watched->turn, 1);
    atomic_store(&watched->item, item);
}

void csandbox_end(void) { atomic_store(&watched->item, 0); }

void csandbox_leave(uint32_t reason) {
    atomic_store(&watched->reason, reason);
    _exit(2);
}
