/// Reads the head of an answer from the lines that libcurl delivers; interim answers (RFC 9110 §15.2) are skipped.
///
/// A value without I/O.
struct CurlHeadReader {
    /// The limit of all heads of an answer together, in bytes; that of newer versions of libcurl.
    static let longest = 300 << 10

    /// That of the head which is being read, or was read last; 0 before there is one.
    private(set) var status = 0
    private var version = ""
    private var reason = ""
    private var fields: [CurlHead.Header] = []
    private var length = 0

    /// Reads one line with its line end.
    ///
    /// - Returns: the head, once the empty line after it has arrived.
    /// - Throws: ``CurlError`` when the heads are longer than ``longest``: not every libcurl ends a head that has no end.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(CurlError) -> CurlHead? {
        self.length += bytes.count
        guard self.length <= Self.longest else {
            throw CurlError(.lost, "the head of the answer is longer than \(Self.longest) bytes")
        }
        var line = bytes[...]
        while let last = line.last, last == 10 || last == 13 { line.removeLast() }
        guard !line.isEmpty else { return self.ended() }
        if line.starts(with: "HTTP/".utf8) {
            let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
            self.version = String(decoding: parts[0], as: UTF8.self)
            self.status = parts.count > 1 ? Int(String(decoding: parts[1], as: UTF8.self)) ?? 0 : 0
            self.reason = parts.count > 2 ? String(decoding: parts[2], as: UTF8.self) : ""
            self.fields = []
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            self.fields.append((name, String(decoding: Self.trimmed(line[(colon + 1)...]), as: UTF8.self)))
        }
        return nil
    }

    /// - Returns: `nil` for an interim answer.
    private mutating func ended() -> CurlHead? {
        // 101 is the last answer of HTTP: what follows it is another protocol (RFC 9110 §15.2.2).
        guard !(100..<200).contains(self.status) || self.status == 101 else {
            self.status = 0
            return nil
        }
        return CurlHead(version: self.version, status: self.status, reason: self.reason, headers: self.fields)
    }

    private static func trimmed(_ text: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var text = text
        while let first = text.first, first == 32 || first == 9 { text.removeFirst() }
        while let last = text.last, last == 32 || last == 9 { text.removeLast() }
        return text
    }
}
