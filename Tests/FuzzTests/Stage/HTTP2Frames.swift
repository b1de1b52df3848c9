/// Frames of HTTP/2 (RFC 9113 §4.1), made from an input and parsed from the server's output.
struct HTTP2Frames {
    struct Frame: Equatable {
        let type: UInt8
        let flags: UInt8
        let stream: UInt32
        let payload: [UInt8]
    }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func bytes(_ type: UInt8, _ flags: UInt8 = 0, _ stream: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let count = payload.count
        let header = [UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF), type, flags, 0, 0, 0, stream]
        return header + payload
    }

    /// A connection of the frames that an input names: type, flags, stream and length in four bytes, then the payload.
    ///
    /// So that a change of one byte does not move the later frames.
    static func connection(_ input: [UInt8]) -> [UInt8] {
        var result = Self.preface
        var rest = input[...]
        while rest.count >= 4 {
            let head = Array(rest.prefix(4))
            let payload = rest.dropFirst(4).prefix(Int(head[3]))
            result += Self.bytes(head[0] % 12, head[1], head[2], Array(payload))
            rest = rest.dropFirst(4 + payload.count)
        }
        return result
    }

    /// The part of an input of which ``connection(_:)`` makes this frame.
    static func input(_ type: UInt8, _ flags: UInt8 = 0, _ stream: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        [type, flags, stream, UInt8(payload.count)] + payload
    }

    /// Takes bytes apart.
    ///
    /// - Throws: ``FuzzFailure`` when they are no whole frames.
    static func frames(_ bytes: [UInt8]) throws -> [Frame] {
        var frames: [Frame] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 9 else { throw FuzzFailure("a frame of the server is cut off") }
            let head = Array(rest.prefix(9))
            let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard rest.count >= 9 + count, count <= 16_384 else { throw FuzzFailure("a frame of the server has \(count) bytes") }
            let stream = head[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                Frame(type: head[3], flags: head[4], stream: stream, payload: Array(rest.dropFirst(9).prefix(count))))
            rest = rest.dropFirst(9 + count)
        }
        return frames
    }
}
