import HTTPServer
import JSON
import NIOCore

/// The parameters of a request for streams, from its query and its body.
///
/// What stands under other names is nobody's, whatever it is: pages add parameters of their own to every address. A body is a form (`application/x-www-form-urlencoded`) or a JSON object whose values are texts, numbers and lists of them.
struct SSEParameters: Sendable {
    /// Names and values in one request at most.
    static let limit = 1000
    private static let names: Set<String> = [
        "streams", "last_event_id", "lastEventID", "lastEventId", "since", "priority", "tags", "subject", "source", "when",
        "poll", "format",
        "limit", "timeout", "padding", "stream", "after",
    ]

    private var values: [(name: String, value: String)] = []
    /// `Last-Event-ID`, else the parameter of one of its names; `nil` when it is absent or empty.
    private(set) var lastEventID: String?

    /// - Throws: ``SSEComplaint`` for what cannot be read.
    init(query: String) throws(SSEComplaint) {
        try self.add(form: query)
    }

    /// - Throws: ``SSEComplaint`` for what cannot be read.
    init(_ request: HTTPRequest) throws(SSEComplaint) {
        try self.init(query: request.rawQuery)
        if request.body.readableBytes > 0 { try self.add(request.body, type: request.header("Content-Type") ?? "") }
        let names = ["last_event_id", "lastEventID", "lastEventId"]
        let ids = [request.header("Last-Event-ID")] + names.map { self.value($0) }
        self.lastEventID = ids.lazy.compactMap { $0 }.first { !$0.isEmpty }
    }

    /// The first value of a name.
    func value(_ name: String) -> String? {
        self.values.first { $0.name == name }?.value
    }

    /// All values of a name, also those with commas between them, without spaces around them; empty ones left out.
    ///
    /// Divides by bytes, so that a combining character behind a comma hides none.
    func list(_ name: String) -> [String] {
        self.values.filter { $0.name == name }
            .flatMap { $0.value.utf8.split(separator: UInt8(ascii: ",")) }
            .compactMap { part in
                let space = UInt8(ascii: " ")
                guard let first = part.firstIndex(where: { $0 != space }), let last = part.lastIndex(where: { $0 != space })
                else { return nil }
                return String(Substring(part[first...last]))
            }
    }

    /// A whole number.
    ///
    /// - Throws: ``SSEComplaint`` for anything else, and outside of the range.
    func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(SSEComplaint) -> Int {
        guard let text = self.value(name), !text.isEmpty else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            throw SSEComplaint("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private mutating func add(_ pairs: [(name: String, value: String)]) throws(SSEComplaint) {
        self.values += pairs
        guard self.values.count <= Self.limit else {
            throw SSEComplaint("\(self.values.count) parameters are too many for one request; \(Self.limit) are allowed")
        }
    }

    private mutating func add(form text: String) throws(SSEComplaint) {
        var pairs: [(name: String, value: String)] = []
        for (name, value) in HTTPForm.pairs(of: text) where Self.names.contains(name) {
            guard let value else { throw SSEComplaint("the parameter \(name) is not percent-encoded UTF-8") }
            pairs.append((name, value))
        }
        try self.add(pairs)
    }

    private mutating func add(_ body: ByteBuffer, type: String) throws(SSEComplaint) {
        switch type.prefix(while: { $0 != ";" }).lowercased() {
        case "application/x-www-form-urlencoded":
            try self.add(form: String(buffer: body))
        case "application/json":
            let parser = JSONParser()
            guard let root = try? parser.parse(body), root.kind == .object else {
                throw SSEComplaint("the body must be a JSON object")
            }
            var values: [(String, String)] = []
            for name in Self.names {
                // The last of several members of one name.
                guard let value = root[name] else { continue }
                if value.kind == .array {
                    value.forEachItem { values.append((name, $0.text())) }
                } else {
                    values.append((name, value.text()))
                }
            }
            withExtendedLifetime(parser) {}
            try self.add(values)
        default:
            throw SSEComplaint("the body must be application/json or application/x-www-form-urlencoded")
        }
    }
}
