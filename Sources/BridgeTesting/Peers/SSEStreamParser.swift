/// Parses an HTTP/1.1 answer and the event stream in it, without regard to speed.
struct SSEStreamParser {
    /// The result of one piece of input.
    struct Update {
        var status: Int?
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []
        var events: [SSEClientPeer.Event] = []
        var retry: Int?
    }

    private enum Phase {
        case head
        case body
        /// Waits for the size of a chunk (RFC 9112 §7.1).
        case chunkSize
        /// Reads the rest of a chunk, its line end included.
        case chunk(Int)
    }

    private var phase = Phase.head
    private var rest: [UInt8] = []
    private var line: [UInt8] = []
    private var endedWithCR = false
    private var id = ""
    private var nextID: String?
    private var type = ""
    private var data: [UInt8]?

    /// Parses the bytes that have arrived.
    ///
    /// - Throws: ``PeerError`` for a chunk size that is no hexadecimal number.
    mutating func feed(_ bytes: [UInt8]) throws -> Update {
        var update = Update()
        self.rest += bytes
        loop: while true {
            switch self.phase {
            case .head:
                guard let end = Self.position(of: [13, 10, 13, 10], in: self.rest) else { break loop }
                self.readHead(String(decoding: self.rest[..<end], as: UTF8.self), &update)
                self.rest.removeFirst(end + 4)
            case .body:
                self.take(self.rest.count, &update)
                break loop
            case .chunkSize:
                guard let end = Self.position(of: [13, 10], in: self.rest) else { break loop }
                let text = String(decoding: self.rest[..<end], as: UTF8.self)
                guard let size = Int(text, radix: 16) else { throw PeerError("'\(text)' is not the size of a chunk") }
                self.rest.removeFirst(end + 2)
                self.phase = .chunk(size + 2)
            case .chunk(let left):
                guard !self.rest.isEmpty else { break loop }
                let count = min(left, self.rest.count)
                self.take(min(max(0, left - 2), count), &update)
                self.rest.removeFirst(count - min(max(0, left - 2), count))
                self.phase = count == left ? .chunkSize : .chunk(left - count)
            }
        }
        return update
    }

    private mutating func readHead(_ text: String, _ update: inout Update) {
        let lines = text.split(separator: "\r\n")
        update.status = Int(lines[0].split(separator: " ")[1])
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
            update.headers.append((parts[0].lowercased(), String(value)))
        }
        let isChunked = update.headers.contains { $0.name == "transfer-encoding" && $0.value.contains("chunked") }
        self.phase = isChunked ? .chunkSize : .body
    }

    /// Moves body bytes from the front of `rest` into lines.
    private mutating func take(_ count: Int, _ update: inout Update) {
        let bytes = self.rest[..<count]
        update.body += bytes
        for byte in bytes {
            if byte == 10, self.endedWithCR {
                self.endedWithCR = false
                continue
            }
            self.endedWithCR = byte == 13
            if byte == 10 || byte == 13 {
                self.field(&update)
                self.line.removeAll(keepingCapacity: true)
            } else {
                self.line.append(byte)
            }
        }
        self.rest.removeFirst(count)
    }

    private mutating func field(_ update: inout Update) {
        guard !self.line.isEmpty else { return self.dispatch(&update) }
        let colon = self.line.firstIndex(of: UInt8(ascii: ":")) ?? self.line.count
        var value = self.line[min(colon + 1, self.line.count)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: self.line[..<colon], as: UTF8.self) {
        case "data": self.data = (self.data.map { $0 + [10] } ?? []) + value
        case "id" where !value.contains(0): self.nextID = text
        case "event": self.type = text
        case "retry" where !value.isEmpty: update.retry = Int(text) ?? update.retry
        default: break
        }
    }

    private mutating func dispatch(_ update: inout Update) {
        if let nextID { self.id = nextID }
        if let data {
            let type = self.type.isEmpty ? "message" : self.type
            update.events.append(.init(id: self.id, type: type, data: String(decoding: data, as: UTF8.self)))
        }
        (self.nextID, self.type, self.data) = (nil, "", nil)
    }

    private static func position(of mark: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= mark.count else { return nil }
        return (0...(bytes.count - mark.count)).first { bytes[$0..<($0 + mark.count)].elementsEqual(mark) }
    }
}
