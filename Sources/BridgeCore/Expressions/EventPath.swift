/// A plain path in a template or matcher, resolved without the expression language.
///
/// The syntax is that of jq: `.title`, `.payload.a[0]["x y"]`, `$subject`, `$segments[1]`, `$attributes.qos`. Below
/// `.payload` a path starts at the payload's root. Matchers also accept `payload.a.0.b`, where a number is an index of
/// an array or a key of an object.
package struct EventPath: Sendable, Hashable {
    /// The field or variable the path starts at.
    enum Root: Sendable, Hashable {
        /// `.`, the whole event as JSON.
        case event
        case id, title, message, priority, tags, timestamp, payload
        case source, subject, segments, attributes, raw, now

        /// The names after the dot.
        static let fields: [(name: String, root: Root)] = [
            ("id", .id), ("title", .title), ("message", .message), ("priority", .priority), ("tags", .tags),
            ("timestamp", .timestamp), ("payload", .payload),
        ]
        /// The names after the dollar sign.
        static let variables: [(name: String, root: Root)] = [
            ("source", .source), ("subject", .subject), ("segments", .segments), ("attributes", .attributes), ("raw", .raw),
            ("now", .now),
        ]
    }

    /// One step below the root.
    enum Step: Sendable, Hashable {
        case key(String)
        /// Counts from the end when negative.
        case index(Int)
        /// A number between dots: an index where an array is, a key where an object is.
        case number(Int, String)
    }

    /// The names of an event's fields, as they follow a dot.
    package static let fieldNames = Root.fields.map(\.name)
    /// The names of the values beside it, as they follow a dollar sign.
    package static let variableNames = Root.variables.map(\.name)

    let root: Root
    let steps: [Step]

    init(root: Root, steps: [Step]) {
        self.root = root
        self.steps = steps
    }

    /// A path within the payload as matchers write it, without the leading `payload.`.
    ///
    /// Keys are separated by dots; `["x.y"]` and `[0]` work too.
    ///
    /// - Returns: `nil` when a key is empty or a bracket is not closed.
    package init?(payload text: String) {
        var steps: [Step] = []
        var rest = Array(text.utf8)[...]
        var expectsKey = true
        while let byte = rest.first {
            if byte == UInt8(ascii: "[") {
                guard let step = Self.bracket(&rest) else { return nil }
                steps.append(step)
                expectsKey = false
            } else if !expectsKey {
                guard byte == UInt8(ascii: ".") else { return nil }
                rest.removeFirst()
                expectsKey = true
            } else {
                let name = rest.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
                guard !name.isEmpty else { return nil }
                rest = rest[name.endIndex...]
                let key = String(decoding: name, as: UTF8.self)
                let isNumber = name.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                steps.append(isNumber ? Int(key).map { .number($0, key) } ?? .key(key) : .key(key))
                expectsKey = false
            }
        }
        guard !expectsKey else { return nil }
        self.root = .payload
        self.steps = steps
    }

    /// A plain path of jq.
    ///
    /// - Returns: `nil` when the text is anything else, for the expression language to read.
    /// - Throws: ``ExpressionError`` when it is a plain path to a field that no event has.
    package init?(expression text: String) throws(ExpressionError) {
        var rest = Self.trimmed(text)
        guard let sign = rest.first, sign == UInt8(ascii: ".") || sign == UInt8(ascii: "$") else { return nil }
        let isField = sign == UInt8(ascii: ".")
        rest.removeFirst()
        guard !rest.isEmpty else {
            guard isField else { return nil }
            self.root = .event
            self.steps = []
            return
        }
        let name = Self.name(&rest)
        var steps: [Step] = []
        while let byte = rest.first {
            if byte == UInt8(ascii: "[") {
                guard let step = Self.bracket(&rest) else { return nil }
                steps.append(step)
            } else if byte == UInt8(ascii: ".") {
                rest.removeFirst()
                if rest.first == UInt8(ascii: "[") { continue }
                guard let key = Self.name(&rest) ?? Self.quoted(&rest) else { return nil }
                steps.append(.key(key))
            } else {
                return nil
            }
        }
        guard let name else { return nil }
        if isField {
            guard let root = Root.fields.first(where: { $0.name == name })?.root else {
                let known = Root.fields.map(\.name).joined(separator: ", ")
                throw ExpressionError("an event has no field '\(name)'; it has \(known)")
            }
            self.root = root
        } else {
            guard let root = Root.variables.first(where: { $0.name == name })?.root else { return nil }
            self.root = root
        }
        self.steps = steps
    }

    private static func trimmed(_ text: String) -> ArraySlice<UInt8> {
        var bytes = Array(text.utf8)[...]
        while let first = bytes.first, first == 32 || (9...13).contains(first) { bytes.removeFirst() }
        while let last = bytes.last, last == 32 || (9...13).contains(last) { bytes.removeLast() }
        return bytes
    }

    /// `[A-Za-z_][A-Za-z0-9_]*`.
    private static func name(_ rest: inout ArraySlice<UInt8>) -> String? {
        func isStart(_ byte: UInt8) -> Bool {
            let lower = byte | 0x20
            return byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower)
        }
        guard let first = rest.first, isStart(first) else { return nil }
        let name = rest.prefix { isStart($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        rest = rest[name.endIndex...]
        return String(decoding: name, as: UTF8.self)
    }

    /// `"…"` without escapes and interpolation.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        let content = rest.dropFirst().prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        guard content.endIndex < rest.endIndex, rest[content.endIndex] == UInt8(ascii: "\"") else { return nil }
        rest = rest[(content.endIndex + 1)...]
        return String(decoding: content, as: UTF8.self)
    }

    /// `["…"]` or `[-12]`.
    private static func bracket(_ rest: inout ArraySlice<UInt8>) -> Step? {
        rest.removeFirst()
        let step: Step
        if let key = Self.quoted(&rest) {
            step = .key(key)
        } else {
            let digits = rest.prefix { $0 != UInt8(ascii: "]") }
            let isNumber = digits.enumerated().allSatisfy { offset, byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (offset == 0 && byte == UInt8(ascii: "-"))
            }
            guard isNumber, let index = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
            step = .index(index)
            rest = rest[digits.endIndex...]
        }
        guard rest.first == UInt8(ascii: "]") else { return nil }
        rest.removeFirst()
        return step
    }
}
