import HTTPServer
import JSON
import NIOCore

/// The parameters of a request for streams, from its query and its body.
///
/// Unknown parameters are ignored, because pages add some to every address. A name that looks misspelt is refused,
/// because the filter would silently not apply. A body is a form (`application/x-www-form-urlencoded`) or a JSON object
/// whose values are strings, numbers and lists of them.
struct SSEParameters: Sendable {
    /// The largest number of names and values in one request.
    static let limit = 1000
    /// How many unknown names of one request are compared with the known ones.
    private static let comparisons = 32

    private var values: [(name: String, value: String)] = []
    /// `Last-Event-ID`, otherwise the parameter of one of its names; `nil` when it is absent or empty.
    private(set) var lastEventID: String?
    /// The number of unknown names up to now, and the first that looks misspelt.
    private var unknown = 0
    private var misspelt: (name: String, meant: String)?

    /// - Throws: ``SSERequestError`` for an invalid query.
    init(query: String) throws(SSERequestError) {
        try self.add(form: query)
    }

    /// - Throws: ``SSERequestError`` for an invalid query or body.
    init(_ request: HTTPRequest) throws(SSERequestError) {
        try self.init(query: request.rawQuery)
        if request.body.readableBytes > 0 { try self.add(request.body, type: request.header("Content-Type") ?? "") }
        if let misspelt {
            throw SSERequestError("unknown parameter '\(misspelt.name)'; did you mean '\(misspelt.meant)'?")
        }
        let names = ["last_event_id", "lastEventID", "lastEventId"]
        let ids = [request.header("Last-Event-ID")] + names.map { self.value($0) }
        self.lastEventID = ids.lazy.compactMap { $0 }.first { !$0.isEmpty }
    }

    /// The first value of a name.
    func value(_ name: String) -> String? {
        self.values.first { $0.name == name }?.value
    }

    /// All values of a name, also comma-separated ones, without surrounding spaces and empty ones.
    ///
    /// Splits by bytes, so that a combining character after a comma cannot hide it.
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
    /// - Throws: ``SSERequestError`` for anything else, or a number outside the range.
    func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(SSERequestError) -> Int {
        guard let text = self.value(name), !text.isEmpty else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            throw SSERequestError("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private mutating func add(_ pairs: [(name: String, value: String)]) throws(SSERequestError) {
        self.values += pairs
        guard self.values.count <= Self.limit else {
            throw SSERequestError("\(self.values.count) parameters are too many for one request; \(Self.limit) are allowed")
        }
    }

    private mutating func note(unknown name: String) {
        self.unknown += 1
        guard self.misspelt == nil, self.unknown <= Self.comparisons, let meant = SSEParameterName.meant(by: name) else { return }
        self.misspelt = (name, meant)
    }

    private mutating func add(form text: String) throws(SSERequestError) {
        var pairs: [(name: String, value: String)] = []
        for (name, value) in HTTPForm.pairs(of: text) {
            guard SSEParameterName.known.contains(name) else {
                self.note(unknown: name)
                continue
            }
            guard let value else { throw SSERequestError("the parameter \(name) is not percent-encoded UTF-8") }
            pairs.append((name, value))
        }
        try self.add(pairs)
    }

    private mutating func add(_ body: ByteBuffer, type: String) throws(SSERequestError) {
        switch type.prefix(while: { $0 != ";" }).lowercased() {
        case "application/x-www-form-urlencoded":
            try self.add(form: String(buffer: body))
        case "application/json":
            let parser = JSONParser()
            guard let root = try? parser.parse(body), root.kind == .object else {
                throw SSERequestError("the body must be a JSON object")
            }
            var values: [(String, String)] = []
            root.forEachMember { name, _ in
                if !SSEParameterName.known.contains(name) { self.note(unknown: name) }
            }
            for name in SSEParameterName.known {
                // If a member is repeated, the last one counts.
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
            throw SSERequestError("the body must be application/json or application/x-www-form-urlencoded")
        }
    }
}
