import CSimdjson
package import NIOCore

/// Parses JSON documents with simdjson, which validates syntax and UTF-8 (RFC 8259).
///
/// Not thread-safe. Reuses its memory for each document.
package final class JSONParser {
    /// The default limit on nesting.
    package static let levels = 512

    /// The size of a document above which its memory should be released with ``trim()``: a parser takes about fifteen
    /// times as much.
    package static let large = 256 << 10

    private let handle: OpaquePointer

    /// Makes a parser; traps when memory is exhausted.
    ///
    /// - Parameter levels: the deepest nesting that is accepted.
    package init(levels: Int = JSONParser.levels) {
        guard let handle = csimdjson_parser_create(levels) else { fatalError("out of memory") }
        self.handle = handle
    }

    deinit {
        csimdjson_parser_free(self.handle)
    }

    /// Bytes of a document that its memory is for.
    package var capacity: Int { csimdjson_capacity(self.handle) }

    /// Gives the memory back that a document above ``large`` took; every value is dead then.
    package func trim() {
        csimdjson_trim(self.handle, Self.large)
    }

    /// Parses the readable bytes as one document.
    ///
    /// - Returns: the root value, valid until the next call.
    /// - Throws: ``JSONError`` for anything but one JSON document in UTF-8 within the nesting limit.
    package func parse(_ buffer: ByteBuffer) throws(JSONError) -> JSONElement {
        var element = csimdjson_element()
        let code = buffer.withUnsafeReadableBytes { bytes in
            csimdjson_parse(self.handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &element)
        }
        guard code == 0 else { throw JSONError(String(cString: csimdjson_error_text(code))) }
        return JSONElement(handle: element)
    }
}

extension ByteBuffer {
    /// Whether the readable bytes are valid UTF-8 (RFC 3629).
    package var isValidUTF8: Bool {
        self.withUnsafeReadableBytes { bytes in
            csimdjson_validate_utf8(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
    }
}
