#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// simdjson's DOM parser behind C functions. No exception leaves them.

#ifdef __cplusplus
extern "C" {
#endif

/// A parser with the memory it keeps from document to document. Not thread-safe.
typedef struct csimdjson_parser csimdjson_parser;

/// A value of the document its parser read last; dead after the next parse.
typedef struct {
    const void *document;
    size_t index;
} csimdjson_element;

/// A place in an object or array. `end` is where its members end.
typedef struct {
    const void *document;
    size_t index;
    size_t end;
} csimdjson_iterator;

typedef enum {
    CSIMDJSON_OBJECT = 0,
    CSIMDJSON_ARRAY,
    CSIMDJSON_STRING,
    CSIMDJSON_INT64,
    CSIMDJSON_UINT64,
    CSIMDJSON_DOUBLE,
    CSIMDJSON_BOOL,
    CSIMDJSON_NULL,
} csimdjson_kind;

/// NULL when there is no memory. `max_depth`: how deep arrays and objects may nest.
csimdjson_parser *csimdjson_parser_create(size_t max_depth);
void csimdjson_parser_free(csimdjson_parser *parser);

/// Parses a copy of the bytes: validates syntax and UTF-8. 0, or a code for csimdjson_error_text.
int csimdjson_parse(csimdjson_parser *parser, const uint8_t *bytes, size_t length, csimdjson_element *root);
/// English, static.
const char *csimdjson_error_text(int code);
/// Gives the parser's memory back when it is for larger documents than that; every value is dead then.
void csimdjson_trim(csimdjson_parser *parser, size_t capacity);
/// How large a document fits without growing.
size_t csimdjson_capacity(const csimdjson_parser *parser);

csimdjson_kind csimdjson_element_kind(csimdjson_element element);
/// Members of an object, items of an array (at most 16 777 215 are counted), else 0.
size_t csimdjson_element_count(csimdjson_element element);
/// The last member with that key, as most parsers read an object that has several (RFC 8259 §4).
bool csimdjson_at_key(csimdjson_element object, const char *key, size_t length, csimdjson_element *value);
bool csimdjson_at_index(csimdjson_element array, size_t index, csimdjson_element *value);

/// Of an object or array; of anything else an iterator without members.
csimdjson_iterator csimdjson_iterate(csimdjson_element container);
/// The next member of an object; false at the end.
bool csimdjson_next_member(csimdjson_iterator *iterator, const char **key, size_t *length, csimdjson_element *value);
/// The next item of an array; false at the end.
bool csimdjson_next_item(csimdjson_iterator *iterator, csimdjson_element *value);

bool csimdjson_get_string(csimdjson_element element, const char **bytes, size_t *length);
bool csimdjson_get_int64(csimdjson_element element, int64_t *value);
bool csimdjson_get_uint64(csimdjson_element element, uint64_t *value);
/// Any number.
bool csimdjson_get_double(csimdjson_element element, double *value);
bool csimdjson_get_bool(csimdjson_element element, bool *value);

/// Compact JSON of a value, valid until the parser is used again; false when there is no memory.
bool csimdjson_minify(csimdjson_parser *parser, csimdjson_element element, const char **bytes, size_t *length);
/// Whether the bytes are valid UTF-8.
bool csimdjson_validate_utf8(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif
