import CSimdjson
package import NIOCore

/// Parses one JSON document after another with simdjson (RFC 8259), which checks syntax and UTF-8.
///
/// Not thread-safe. Keeps its memory from document to document.
package final class JSONParser {
    /// How deep documents nest at most, unless a parser is told otherwise.
    package static let levels = 512

    private let handle: OpaquePointer

    /// - Parameter levels: how deep documents may nest.
    package init(levels: Int = JSONParser.levels) {
        guard let handle = csimdjson_parser_create(levels) else { fatalError("out of memory") }
        self.handle = handle
    }

    deinit {
        csimdjson_parser_free(self.handle)
    }

    /// Parses the readable bytes.
    ///
    /// - Returns: the root, valid until the next call.
    /// - Throws: ``JSONError`` for anything that is not one JSON document in UTF-8.
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
    /// Whether the readable bytes are UTF-8.
    package var isValidUTF8: Bool {
        self.withUnsafeReadableBytes { bytes in
            csimdjson_validate_utf8(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
    }
}
