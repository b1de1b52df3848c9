#pragma once

// The type checks are macros around the variadic functions, of which the typed functions below are the better kind.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

// Loads libcurl. Returns NULL, or why that is not possible, until the next call on the same thread; a later call tries
// again. Any thread may call it.
const char *ccurl_load(void);

// Set an option of a transfer. There is one function for each type that an option can have.
CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value);
CURLcode ccurl_set_size(CURL *handle, CURLoption option, curl_off_t value);
CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, const void *value);
CURLcode ccurl_set_write(CURL *handle, CURLoption option, curl_write_callback value);

static inline CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value) {
  return ccurl_set_pointer(handle, option, value);
}

static inline CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
  return ccurl_set_pointer(handle, option, value);
}

// Sends a mail to those receivers that the server accepts; the option has another name since libcurl 8.2.
static inline CURLcode ccurl_allow_refused_recipients(CURL *handle) {
  return ccurl_set_long(handle, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1);
}

// Sets an option of all transfers.
CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);

// A part of an address; ``curl_free`` frees the text.
CURLUcode ccurl_url_get(CURLU *url, CURLUPart part, char **text, unsigned flags);

// What CURLOPT_PRIVATE was set to.
void *ccurl_private(CURL *handle);

// How many bytes of requests went out.
long ccurl_request_size(CURL *handle);

// The result of a finished transfer; Swift does not see into the union.
static inline CURLcode ccurl_result(const CURLMsg *message) { return message->data.result; }
