#pragma once
#include <stddef.h>
#include <stdint.h>

/// What a worker process and the program that started it both see: which piece of work is going on, why it ended, and what it wrote to
/// standard error.
///
/// Lies in memory that the two processes share. Every access is atomic.
struct csandbox_page;

/// The bytes of the shared page.
size_t csandbox_page_size(void);

/// Why a worker ended itself.
enum csandbox_reason {
    csandbox_unknown = 0,
    /// A piece of work took more processor time than it was given.
    csandbox_time = 1,
    /// The memory limit was reached.
    csandbox_memory = 2,
};

/// In the program: makes a page. Returns its descriptor and address, or a negative `errno`.
int csandbox_page_make(struct csandbox_page **page);
void csandbox_page_unmap(struct csandbox_page *page);

/// The number of the piece of work that goes on, 0 for none.
uint32_t csandbox_item(const struct csandbox_page *page);
/// Counts every piece of work that has begun.
uint32_t csandbox_turn(const struct csandbox_page *page);
uint32_t csandbox_reason(const struct csandbox_page *page);
/// Copies the beginning of what the worker wrote to standard error; returns the bytes, `size` at most.
size_t csandbox_text(const struct csandbox_page *page, char *text, size_t size);

/// Starts a program with two descriptors (as 0 and 1), standard error at /dev/null, and no other. Returns its process id or a negative
/// `errno`.
///
/// SIGTERM, SIGINT and SIGHUP are blocked until it calls `csandbox_enter`. The process ends with the calling thread once it has called `csandbox_enter`.
int csandbox_spawn(const char *path, char *const arguments[], char *const environment[], int first, int second);

/// In the worker, first: dies with the program, maps the page behind descriptor 1 and has standard error go there, has no other descriptor
/// but 0, ignores the signals that end the program. Returns 0 or a negative `errno`, such as that of a descriptor 1 that is no page.
int csandbox_enter(struct csandbox_page **page);
/// In the worker: from now on no descriptor, no core dump, no new rights, no system calls but those of memory, time and the descriptors
/// that are open.
///
/// Returns 0, or the `errno` of a system that offers no seccomp; everything else then holds all the same.
int csandbox_confine(void);
/// In the worker: lets the address space grow by so many bytes from here. To be called once before it is confined.
void csandbox_allow_memory(size_t bytes);

/// In the worker: a piece of work begins that may take so many milliseconds of processor time; the process ends itself if it takes more.
///
/// Looked at every 10 ms of processor time.
void csandbox_begin(uint32_t item, uint32_t milliseconds);
/// The processor time of this process, in milliseconds.
uint64_t csandbox_processor_time(void);
/// In the worker: nothing goes on.
void csandbox_end(void);
/// In the worker: ends the process for a reason.
_Noreturn void csandbox_leave(uint32_t reason);
