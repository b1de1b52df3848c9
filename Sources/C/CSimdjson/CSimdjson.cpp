#include "CSimdjson.h"

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <type_traits>

#include <simdjson.h>

using namespace simdjson;

// Elements and iterators cross the boundary as their bytes: a document's address and an index on its tape.
static_assert(sizeof(dom::element) == sizeof(csimdjson_element) && std::is_trivially_copyable_v<dom::element>);
static_assert(sizeof(dom::object::iterator) == sizeof(csimdjson_element) && std::is_trivially_copyable_v<dom::object::iterator>);
static_assert(sizeof(dom::array::iterator) == sizeof(csimdjson_element) && std::is_trivially_copyable_v<dom::array::iterator>);

struct csimdjson_parser {
    dom::parser parser;
    size_t max_depth;
    std::unique_ptr<uint8_t[]> scratch;
    size_t scratch_capacity = 0;
    std::string text;
    /// Documents since the last one that needed more than `kept_capacity`.
    unsigned small_documents = 0;
};

namespace {

/// What a parser keeps for the next document. One of a megabyte takes about eight times its size.
constexpr size_t kept_capacity = 64 * 1024;
constexpr unsigned small_documents_until_shrunk = 256;

template <typename To, typename From>
To as(const From &from) noexcept {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(static_cast<void *>(&to), &from, sizeof(To));
    return to;
}

dom::element element_of(csimdjson_element element) noexcept { return as<dom::element>(element); }
csimdjson_element handle_of(const dom::element &element) noexcept { return as<csimdjson_element>(element); }

bool is_digit(uint8_t byte) noexcept { return byte >= '0' && byte <= '9'; }

/// JSON sets no bound on numbers (RFC 8259 §6); simdjson refuses those that fit neither 64 bits nor a double.
/// Rewrites them, outside strings and in place: long integers lose their last digits to an exponent, and what lies beyond
/// a double becomes the largest or zero. What is no number by the grammar is left for the parser to refuse.
bool narrow_numbers(uint8_t *bytes, size_t length) noexcept {
    bool changed = false;
    size_t i = 0;
    while (i < length) {
        uint8_t byte = bytes[i];
        if (byte == '"') {
            for (i++; i < length && bytes[i] != '"'; i++) {
                if (bytes[i] == '\\') { i++; }
            }
            i++;
            continue;
        }
        if (!is_digit(byte) && byte != '-') {
            i++;
            continue;
        }
        size_t start = i;
        if (byte == '-') { i++; }
        size_t digits = i;
        while (i < length && is_digit(bytes[i])) { i++; }
        size_t integer_digits = i - digits;
        bool valid = integer_digits > 0 && (integer_digits == 1 || bytes[digits] != '0');
        bool integer = true;
        if (i < length && bytes[i] == '.') {
            integer = false;
            size_t fraction = ++i;
            while (i < length && is_digit(bytes[i])) { i++; }
            valid = valid && i > fraction;
        }
        bool negative_exponent = false;
        if (i < length && (bytes[i] == 'e' || bytes[i] == 'E')) {
            integer = false;
            i++;
            if (i < length && (bytes[i] == '+' || bytes[i] == '-')) { negative_exponent = bytes[i++] == '-'; }
            size_t exponent = i;
            while (i < length && is_digit(bytes[i])) { i++; }
            valid = valid && i > exponent;
        }
        size_t size = i - start;
        if (!valid || size < 4) { continue; }
        if (integer && integer_digits > 18 && integer_digits <= 308) {
            bytes[i - 3] = 'e';
            bytes[i - 2] = '3';
            bytes[i - 1] = ' ';
            changed = true;
        } else if ((integer && integer_digits > 308) || !integer) {
            // Copied, because a conversion in place needs a byte after the number that cannot belong to it.
            double value = 0;
            std::string text(reinterpret_cast<const char *>(bytes + start), size);
            value = std::strtod(text.c_str(), nullptr);
            if (value > 1.7976931348623157e308 || value < -1.7976931348623157e308) {
                std::memset(bytes + start, ' ', size);
                size_t at = start;
                if (byte == '-') { bytes[at++] = '-'; }
                // "9e307" where there is room, for "2e308" has five bytes like the shortest number that overflows.
                const char *largest = size - (at - start) >= 5 ? "9e307" : "9e99";
                std::memcpy(bytes + at, largest, std::strlen(largest));
                changed = true;
            } else if (value == 0 && negative_exponent) {
                std::memset(bytes + start, ' ', size);
                std::memcpy(bytes + start, "0.0", 3);
                changed = true;
            }
        }
    }
    return changed;
}

/// The value of four hexadecimal digits; -1 for other bytes.
int code_unit(const uint8_t *bytes) noexcept {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int lower = bytes[i] | 0x20;
        int digit = is_digit(bytes[i]) ? bytes[i] - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
        if (digit < 0) { return -1; }
        value = value * 16 + digit;
    }
    return value;
}

/// JSON allows the escape of half a surrogate pair (RFC 8259 §8.2), which JavaScript writes for texts that were cut; UTF-8 cannot hold
/// it. Makes it U+FFFD, in place.
bool replace_lone_surrogates(uint8_t *bytes, size_t length) noexcept {
    bool changed = false;
    size_t i = 0;
    while (i + 1 < length) {
        if (bytes[i] != '\\') {
            i++;
            continue;
        }
        int unit = bytes[i + 1] == 'u' && i + 6 <= length ? code_unit(bytes + i + 2) : -1;
        if (unit < 0xD800 || unit > 0xDFFF) {
            i += 2;
            continue;
        }
        bool paired = unit < 0xDC00 && i + 12 <= length && bytes[i + 6] == '\\' && bytes[i + 7] == 'u';
        int second = paired ? code_unit(bytes + i + 8) : -1;
        if (second >= 0xDC00 && second <= 0xDFFF) {
            i += 12;
            continue;
        }
        std::memcpy(bytes + i + 2, "fffd", 4);
        changed = true;
        i += 6;
    }
    return changed;
}

void give_back(csimdjson_parser &parser) noexcept {
    parser.parser = dom::parser();
    parser.scratch.reset();
    parser.scratch_capacity = 0;
}

error_code parse(csimdjson_parser &parser, const uint8_t *bytes, size_t length, dom::element &root) {
    // Versions of simdjson differ in whether they pass over a byte order mark, and where documents are put into others it must not stand.
    if (length >= 3 && std::memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) { return UNESCAPED_CHARS; }
    if (length > kept_capacity) {
        parser.small_documents = 0;
    } else if (parser.parser.capacity() > kept_capacity && ++parser.small_documents >= small_documents_until_shrunk) {
        parser.small_documents = 0;
        give_back(parser);
    }
    if (parser.parser.capacity() < length || parser.parser.capacity() == 0) {
        // Grown with room to spare, so that slowly growing documents do not reallocate each time.
        size_t capacity = std::max<size_t>(length + length / 4, 1024);
        error_code error = parser.parser.allocate(capacity, parser.max_depth);
        if (error) { return error; }
        error = parser.parser.doc.allocate(capacity);
        if (error) { return error; }
    }
    if (parser.scratch_capacity < length + SIMDJSON_PADDING) {
        size_t capacity = length + length / 4 + 1024 + SIMDJSON_PADDING;
        parser.scratch.reset(new (std::nothrow) uint8_t[capacity]);
        parser.scratch_capacity = parser.scratch ? capacity : 0;
        if (!parser.scratch) { return MEMALLOC; }
    }
    if (length > 0) { std::memcpy(parser.scratch.get(), bytes, length); }
    std::memset(parser.scratch.get() + length, 0, SIMDJSON_PADDING);
    error_code error = parser.parser.parse(parser.scratch.get(), length, false).get(root);
    // A document may have both; each is mended once.
    for (int attempt = 0; attempt < 2; attempt++) {
        bool mended = error == NUMBER_ERROR ? narrow_numbers(parser.scratch.get(), length)
                                            : error == STRING_ERROR && replace_lone_surrogates(parser.scratch.get(), length);
        if (!mended) { break; }
        error = parser.parser.parse(parser.scratch.get(), length, false).get(root);
    }
    return error;
}

}  // namespace

extern "C" {

csimdjson_parser *csimdjson_parser_create(size_t max_depth) {
    try {
        auto parser = new csimdjson_parser();
        parser->max_depth = max_depth;
        return parser;
    } catch (...) {
        return nullptr;
    }
}

void csimdjson_parser_free(csimdjson_parser *parser) { delete parser; }

int csimdjson_parse(csimdjson_parser *parser, const uint8_t *bytes, size_t length, csimdjson_element *root) {
    try {
        dom::element element;
        error_code error = parse(*parser, bytes, length, element);
        if (error == SUCCESS) { *root = handle_of(element); }
        return error;
    } catch (...) {
        return MEMALLOC;
    }
}

const char *csimdjson_error_text(int code) {
    switch (static_cast<error_code>(code)) {
    case SUCCESS: return "no error";
    case CAPACITY: return "the document is too large";
    case MEMALLOC: return "out of memory";
    case DEPTH_ERROR: return "nested too deeply";
    case STRING_ERROR: return "a string with an invalid escape";
    case T_ATOM_ERROR:
    case F_ATOM_ERROR:
    case N_ATOM_ERROR: return "a word that is not true, false or null";
    case NUMBER_ERROR: return "an invalid number";
    case UTF8_ERROR: return "not valid UTF-8";
    case EMPTY: return "no document";
    case UNESCAPED_CHARS: return "a control character within a string";
    case UNCLOSED_STRING: return "a string without an end";
    default: return "misplaced punctuation or a missing bracket";
    }
}

void csimdjson_trim(csimdjson_parser *parser, size_t capacity) {
    if (parser->parser.capacity() <= capacity) { return; }
    give_back(*parser);
    if (parser->text.capacity() > capacity) { std::string().swap(parser->text); }
}

size_t csimdjson_capacity(const csimdjson_parser *parser) { return parser->parser.capacity(); }

csimdjson_kind csimdjson_element_kind(csimdjson_element element) {
    switch (element_of(element).type()) {
    case dom::element_type::OBJECT: return CSIMDJSON_OBJECT;
    case dom::element_type::ARRAY: return CSIMDJSON_ARRAY;
    case dom::element_type::STRING: return CSIMDJSON_STRING;
    case dom::element_type::INT64: return CSIMDJSON_INT64;
    case dom::element_type::UINT64: return CSIMDJSON_UINT64;
    case dom::element_type::DOUBLE: return CSIMDJSON_DOUBLE;
    case dom::element_type::BOOL: return CSIMDJSON_BOOL;
    case dom::element_type::NULL_VALUE: return CSIMDJSON_NULL;
    }
    return CSIMDJSON_NULL;
}

size_t csimdjson_element_count(csimdjson_element element) {
    dom::object object;
    if (element_of(element).get(object) == SUCCESS) { return object.size(); }
    dom::array array;
    if (element_of(element).get(array) == SUCCESS) { return array.size(); }
    return 0;
}

bool csimdjson_at_key(csimdjson_element handle, const char *key, size_t length, csimdjson_element *value) {
    dom::object object;
    if (element_of(handle).get(object) != SUCCESS) { return false; }
    std::string_view wanted(key, length);
    bool is_found = false;
    for (auto member = object.begin(), end = object.end(); member != end; ++member) {
        if (!member.key_equals(wanted)) { continue; }
        *value = handle_of(member.value());
        is_found = true;
    }
    return is_found;
}

bool csimdjson_at_index(csimdjson_element handle, size_t index, csimdjson_element *value) {
    dom::array array;
    dom::element found;
    if (element_of(handle).get(array) != SUCCESS) { return false; }
    if (array.at(index).get(found) != SUCCESS) { return false; }
    *value = handle_of(found);
    return true;
}

csimdjson_iterator csimdjson_iterate(csimdjson_element container) {
    csimdjson_element begin = container, end = container;
    dom::object object;
    dom::array array;
    if (element_of(container).get(object) == SUCCESS) {
        begin = as<csimdjson_element>(object.begin());
        end = as<csimdjson_element>(object.end());
    } else if (element_of(container).get(array) == SUCCESS) {
        begin = as<csimdjson_element>(array.begin());
        end = as<csimdjson_element>(array.end());
    }
    return {container.document, begin.index, end.index};
}

bool csimdjson_next_member(csimdjson_iterator *iterator, const char **key, size_t *length, csimdjson_element *value) {
    if (iterator->index >= iterator->end) { return false; }
    auto place = as<dom::object::iterator>(csimdjson_element{iterator->document, iterator->index});
    std::string_view name = place.key();
    *key = name.data();
    *length = name.size();
    *value = handle_of(place.value());
    ++place;
    iterator->index = as<csimdjson_element>(place).index;
    return true;
}

bool csimdjson_next_item(csimdjson_iterator *iterator, csimdjson_element *value) {
    if (iterator->index >= iterator->end) { return false; }
    auto place = as<dom::array::iterator>(csimdjson_element{iterator->document, iterator->index});
    *value = handle_of(*place);
    ++place;
    iterator->index = as<csimdjson_element>(place).index;
    return true;
}

bool csimdjson_get_string(csimdjson_element element, const char **bytes, size_t *length) {
    std::string_view text;
    if (element_of(element).get(text) != SUCCESS) { return false; }
    *bytes = text.data();
    *length = text.size();
    return true;
}

bool csimdjson_get_int64(csimdjson_element element, int64_t *value) { return element_of(element).get(*value) == SUCCESS; }
bool csimdjson_get_uint64(csimdjson_element element, uint64_t *value) { return element_of(element).get(*value) == SUCCESS; }
bool csimdjson_get_double(csimdjson_element element, double *value) { return element_of(element).get(*value) == SUCCESS; }
bool csimdjson_get_bool(csimdjson_element element, bool *value) { return element_of(element).get(*value) == SUCCESS; }

bool csimdjson_minify(csimdjson_parser *parser, csimdjson_element element, const char **bytes, size_t *length) {
    try {
        parser->text = simdjson::minify(element_of(element));
        *bytes = parser->text.data();
        *length = parser->text.size();
        return true;
    } catch (...) {
        return false;
    }
}

bool csimdjson_validate_utf8(const uint8_t *bytes, size_t length) {
    return simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), length);
}

}  // extern "C"
