// Loads libcurl when the program first calls one of its functions.
//
// libcurl brings 25 more libraries into a process, for protocols that the program does not speak. A program that makes
// no HTTP requests starts sooner and needs less memory without them.
#include "CCurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

// Each function: result, name, parameters, arguments.
#define FUNCTIONS(EACH)                                                                                                \
  EACH(CURL *, curl_easy_init, (void), ())                                                                             \
  EACH(void, curl_easy_cleanup, (CURL *handle), (handle))                                                              \
  EACH(void, curl_easy_reset, (CURL *handle), (handle))                                                                \
  EACH(CURLcode, curl_easy_pause, (CURL *handle, int bitmask), (handle, bitmask))                                      \
  EACH(const char *, curl_easy_strerror, (CURLcode code), (code))                                                      \
  EACH(void, curl_free, (void *bytes), (bytes))                                                                        \
  EACH(time_t, curl_getdate, (const char *text, const time_t *unused), (text, unused))                                 \
  EACH(CURLcode, curl_global_init, (long flags), (flags))                                                              \
  EACH(CURLM *, curl_multi_init, (void), ())                                                                           \
  EACH(CURLMcode, curl_multi_cleanup, (CURLM *multi), (multi))                                                         \
  EACH(CURLMcode, curl_multi_add_handle, (CURLM *multi, CURL *handle), (multi, handle))                                \
  EACH(CURLMcode, curl_multi_remove_handle, (CURLM *multi, CURL *handle), (multi, handle))                             \
  EACH(CURLMsg *, curl_multi_info_read, (CURLM *multi, int *left), (multi, left))                                      \
  EACH(CURLMcode, curl_multi_perform, (CURLM *multi, int *running), (multi, running))                                  \
  EACH(CURLMcode, curl_multi_poll,                                                                                     \
       (CURLM *multi, struct curl_waitfd *extra, unsigned count, int milliseconds, int *ready),                        \
       (multi, extra, count, milliseconds, ready))                                                                     \
  EACH(const char *, curl_multi_strerror, (CURLMcode code), (code))                                                    \
  EACH(struct curl_slist *, curl_slist_append, (struct curl_slist *list, const char *text), (list, text))              \
  EACH(void, curl_slist_free_all, (struct curl_slist *list), (list))                                                   \
  EACH(CURLU *, curl_url, (void), ())                                                                                  \
  EACH(void, curl_url_cleanup, (CURLU *url), (url))                                                                    \
  EACH(CURLUcode, curl_url_set, (CURLU *url, CURLUPart part, const char *text, unsigned flags),                        \
       (url, part, text, flags))

// Where the loaded functions are. Those with varying arguments are called through their pointers only.
static struct {
#define POINTER(result, name, parameters, arguments) result(*name) parameters;
  FUNCTIONS(POINTER)
  CURLcode (*setopt)(CURL *, CURLoption, ...);
  CURLcode (*getinfo)(CURL *, CURLINFO, ...);
  CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
  // Its first parameter is constant in some versions only.
  CURLUcode (*url_get)(CURLU *url, CURLUPart part, char **text, unsigned flags);
} library;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_loaded;
// Why the last attempt failed.
static _Thread_local char failure[256];

static void *found(void *handle, const char *name) {
  void *function = dlsym(handle, name);
  if (function == NULL) snprintf(failure, sizeof failure, "it has no function %s", name);
  return function;
}

static void load(void) {
  failure[0] = 0;
  void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    const char *reason = dlerror();
    snprintf(failure, sizeof failure, "%s", reason != NULL ? reason : "unknown reason");
    return;
  }
#define FIND(result, name, parameters, arguments) library.name = found(handle, #name);
  FUNCTIONS(FIND)
  library.setopt = found(handle, "curl_easy_setopt");
  library.getinfo = found(handle, "curl_easy_getinfo");
  library.multi_setopt = found(handle, "curl_multi_setopt");
  library.url_get = found(handle, "curl_url_get");
}

const char *ccurl_load(void) {
  if (atomic_load_explicit(&is_loaded, memory_order_acquire)) return NULL;
  pthread_mutex_lock(&lock);
  if (!is_loaded) {
    load();
    atomic_store_explicit(&is_loaded, failure[0] == 0, memory_order_release);
  }
  pthread_mutex_unlock(&lock);
  return is_loaded ? NULL : failure;
}

// The caller of a function that is not there cannot go on; ``ccurl_load`` reports it in time.
static void need(void) {
  const char *reason = ccurl_load();
  if (reason == NULL) return;
  fprintf(stderr, "libcurl cannot be loaded: %s\n", reason);
  abort();
}

// Hidden, so that the library does not call them in place of its own.
#define DEFINE(result, name, parameters, arguments)                                                                    \
  __attribute__((visibility("hidden"))) result name parameters {                                                                                             \
    need();                                                                                                            \
    return library.name arguments;                                                                                     \
  }
FUNCTIONS(DEFINE)

CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) {
  need();
  return library.setopt(handle, option, value);
}

CURLcode ccurl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
  need();
  return library.setopt(handle, option, value);
}

CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, const void *value) {
  need();
  return library.setopt(handle, option, value);
}

CURLcode ccurl_set_write(CURL *handle, CURLoption option, curl_write_callback value) {
  need();
  return library.setopt(handle, option, value);
}

CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  need();
  return library.multi_setopt(multi, option, value);
}

CURLUcode ccurl_url_get(CURLU *url, CURLUPart part, char **text, unsigned flags) {
  need();
  return library.url_get(url, part, text, flags);
}

void *ccurl_private(CURL *handle) {
  char *value = NULL;
  need();
  library.getinfo(handle, CURLINFO_PRIVATE, &value);
  return value;
}

long ccurl_request_size(CURL *handle) {
  long value = 0;
  need();
  library.getinfo(handle, CURLINFO_REQUEST_SIZE, &value);
  return value;
}
