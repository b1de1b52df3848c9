/// Takes apart what the server has written on a connection of HTTP/1, as strictly as a client may (RFC 9112).
struct HTTP1Answers {
    struct Answer: Equatable {
        let status: Int
        let fields: [(name: String, value: String)]
        let body: [UInt8]

        static func == (left: Answer, right: Answer) -> Bool {
            left.status == right.status && left.body == right.body
                && left.fields.elementsEqual(right.fields) { $0.name == $1.name && $0.value == $1.value }
        }

        /// Whether the request's head was refused: as malformed (400), too large (431), or for its method (501) or version (505).
        var refusesHead: Bool { [400, 431, 501, 505].contains(self.status) }

        func value(_ name: String) -> String? { self.fields.first { $0.name.lowercased() == name }?.value }
    }

    /// Final answers, without `Date`.
    private(set) var answers: [Answer] = []

    /// - Parameter methods: those of the requests that were answered, in order.
    /// - Throws: ``FuzzFailure`` for anything that is no answer.
    init(_ output: [UInt8], methods: [String]) throws {
        var rest = output[...]
        while !rest.isEmpty {
            let lines = try Self.head(&rest)
            let status = try Self.status(lines[0])
            var fields: [(name: String, value: String)] = []
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                    throw FuzzFailure("a line of an answer's head has no name: \(String(decoding: line, as: UTF8.self))")
                }
                let name = String(decoding: line[..<colon], as: UTF8.self)
                let value = String(decoding: line[(colon + 1)...].drop { $0 == 32 }, as: UTF8.self)
                if name != "Date" { fields.append((name, value)) }
            }
            guard status >= 200 else {
                try FuzzFailure.unless(status == 100 && fields.isEmpty, "the interim answer \(status)")
                continue
            }
            let isHead = self.answers.count < methods.count && methods[self.answers.count] == "HEAD"
            let body = status == 204 || isHead ? [] : try Self.body(fields, &rest)
            self.answers.append(Answer(status: status, fields: fields, body: body))
        }
    }

    private static func head(_ rest: inout ArraySlice<UInt8>) throws -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        while let line = self.line(&rest) {
            if line.isEmpty, !lines.isEmpty { return lines }
            lines.append(line)
        }
        throw FuzzFailure("the head of an answer has no end")
    }

    /// A line that ends with CRLF and holds neither alone.
    private static func line(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let end = rest.firstIndex(of: 13), end + 1 < rest.endIndex, rest[end + 1] == 10,
            !rest[..<end].contains(where: { $0 == 10 || $0 == 0 })
        else { return nil }
        defer { rest = rest[(end + 2)...] }
        return rest[..<end]
    }

    private static func status(_ line: ArraySlice<UInt8>) throws -> Int {
        let text = String(decoding: line, as: UTF8.self)
        guard text.hasPrefix("HTTP/1.1 "), let status = Int(text.dropFirst(9).prefix(3)), (100..<600).contains(status) else {
            throw FuzzFailure("an answer begins with \(text)")
        }
        return status
    }

    private static func body(_ fields: [(name: String, value: String)], _ rest: inout ArraySlice<UInt8>) throws -> [UInt8] {
        let lengths = fields.filter { $0.name.lowercased() == "content-length" }
        let isChunked = fields.contains { $0.name.lowercased() == "transfer-encoding" && $0.value == "chunked" }
        if isChunked {
            try FuzzFailure.unless(lengths.isEmpty, "an answer has two lengths")
            return try self.chunks(&rest)
        }
        guard let length = lengths.first else {
            defer { rest = [] }
            return Array(rest)
        }
        guard lengths.count == 1, let count = Int(length.value), count <= rest.count else {
            throw FuzzFailure("an answer of \(length.value) bytes has \(rest.count)")
        }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    private static func chunks(_ rest: inout ArraySlice<UInt8>) throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            guard let line = self.line(&rest), let count = Int(String(decoding: line, as: UTF8.self), radix: 16),
                count + 2 <= rest.count
            else { throw FuzzFailure("a chunk is malformed or cut off") }
            let chunk = rest.prefix(count)
            rest = rest.dropFirst(count)
            guard let end = self.line(&rest), end.isEmpty else { throw FuzzFailure("a chunk has no end") }
            guard count > 0 else { return body }
            body += chunk
        }
    }
}
