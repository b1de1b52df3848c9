/// Composes the value of a document from its events (YAML 1.2.2 §3.1.2).
package struct Composer {
    /// The limit on nesting, which keeps a text from exhausting the stack.
    package static let maximumDepth = 128

    private let parser: EventParser
    private let source: String?
    private let isBuiltIn: Bool
    /// The values by anchor; a later anchor of the same name replaces an earlier one (YAML 1.2.2 §7.1).
    private var anchors: [String: Node] = [:]
    private var depth = 0

    /// Composes the value of the only document in a text.
    ///
    /// - Parameters:
    ///   - source: a name of the text for the marks of the nodes; see ``Mark/source``.
    ///   - isBuiltIn: see ``Mark/isBuiltIn``.
    /// - Returns: `nil` for a text without a document.
    /// - Throws: ``YAMLError`` for anything else that is not one document.
    package static func compose(_ text: String, source: String? = nil, isBuiltIn: Bool = false) throws(YAMLError) -> Node? {
        var text = text
        let result: Result<Node?, YAMLError> = text.withUTF8 { bytes in
            var composer = Composer(parser: EventParser(bytes), source: source, isBuiltIn: isBuiltIn)
            do throws(YAMLError) {
                return .success(try composer.document())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(parser: EventParser, source: String?, isBuiltIn: Bool) {
        self.isBuiltIn = isBuiltIn
        self.parser = parser
        self.source = source
    }

    private mutating func document() throws(YAMLError) -> Node? {
        if case .streamEnd = try self.parser.next().kind { return nil }
        let root = try self.node(self.parser.next())
        _ = try self.parser.next()
        let next = try self.parser.next()
        guard case .streamEnd = next.kind else { throw YAMLError(reason: .secondDocument, mark: next.mark) }
        return root
    }

    private mutating func node(_ event: EventParser.Event) throws(YAMLError) -> Node {
        let node: Node
        let mark =
            self.source.map {
                Mark(line: event.mark.line, column: event.mark.column, source: $0, isBuiltIn: self.isBuiltIn)
            } ?? event.mark
        switch event.kind {
        case .alias(let anchor):
            guard let node = self.anchors[anchor] else { throw YAMLError(reason: .undefinedAlias, mark: event.mark) }
            return node
        case .scalar(let text, let style):
            node = .scalar(Node.Scalar(text, tag: event.tag, style: style, mark: mark))
        case .sequenceStart:
            try self.descend(event.mark)
            node = .sequence(Node.Sequence(try self.items(), tag: event.tag, mark: mark))
            self.depth -= 1
        case .mappingStart:
            try self.descend(event.mark)
            node = .mapping(Node.Mapping(try self.pairs(), tag: event.tag, mark: mark))
            self.depth -= 1
        case .sequenceEnd, .mappingEnd, .documentStart, .documentEnd, .streamEnd:
            preconditionFailure("libyaml ended a value that it had not begun")
        }
        if let anchor = event.anchor { self.anchors[anchor] = node }
        return node
    }

    private mutating func descend(_ mark: Mark) throws(YAMLError) {
        self.depth += 1
        guard self.depth <= Self.maximumDepth else { throw YAMLError(reason: .tooDeep, mark: mark) }
    }

    private mutating func items() throws(YAMLError) -> [Node] {
        var items: [Node] = []
        while true {
            let event = try self.parser.next()
            if case .sequenceEnd = event.kind { return items }
            items.append(try self.node(event))
        }
    }

    private mutating func pairs() throws(YAMLError) -> [Node.Mapping.Element] {
        var pairs: [Node.Mapping.Element] = []
        var keys: Set<String> = []
        while true {
            let event = try self.parser.next()
            if case .mappingEnd = event.kind { return pairs }
            let key = try self.node(event)
            if let name = key.string, !keys.insert(name).inserted {
                throw YAMLError(reason: .duplicateKey(name), mark: event.mark)
            }
            pairs.append((key, try self.node(self.parser.next())))
        }
    }
}
