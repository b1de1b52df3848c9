import CYAML

/// Reads the events of a YAML text (YAML 1.2.2 §3.1.1) with libyaml.
///
/// The bytes must outlive the parser. Not thread-safe.
final class EventParser {
    /// One parse event, with the properties of its node.
    struct Event {
        enum Kind {
            case documentStart, documentEnd, streamEnd
            case alias(String)
            case scalar(String, Node.Scalar.Style)
            case sequenceStart, sequenceEnd
            case mappingStart, mappingEnd
        }

        let kind: Kind
        var anchor: String?
        var tag: String?
        let mark: Mark
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>

    /// - Parameter bytes: UTF-8.
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        self.parser = .allocate(capacity: 1)
        self.parser.initialize(to: yaml_parser_t())
        precondition(yaml_parser_initialize(self.parser) == 1, "out of memory")
        yaml_parser_set_encoding(self.parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(self.parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(self.parser)
        self.parser.deallocate()
    }

    /// Reads the next event, without the start of the stream; must not be called after `streamEnd`.
    ///
    /// - Throws: ``YAMLError`` for a violation of the grammar.
    func next() throws(YAMLError) -> Event {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(self.parser, &event) == 1 else { throw self.failure }
            defer { yaml_event_delete(&event) }
            if event.type != YAML_STREAM_START_EVENT { return Self.event(event) }
        }
    }

    private static func event(_ event: yaml_event_t) -> Event {
        let mark = Mark(event.start_mark)
        func make(_ kind: Event.Kind, _ anchor: UnsafeMutablePointer<yaml_char_t>?, _ tag: UnsafeMutablePointer<yaml_char_t>?)
            -> Event
        {
            Event(kind: kind, anchor: anchor.map { String(cString: $0) }, tag: tag.map { String(cString: $0) }, mark: mark)
        }
        switch event.type {
        case YAML_ALIAS_EVENT:
            return Event(kind: .alias(String(cString: event.data.alias.anchor)), mark: mark)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return make(.scalar(text, Node.Scalar.Style(scalar.style)), scalar.anchor, scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            return make(.sequenceStart, event.data.sequence_start.anchor, event.data.sequence_start.tag)
        case YAML_SEQUENCE_END_EVENT: return Event(kind: .sequenceEnd, mark: mark)
        case YAML_MAPPING_START_EVENT:
            return make(.mappingStart, event.data.mapping_start.anchor, event.data.mapping_start.tag)
        case YAML_MAPPING_END_EVENT: return Event(kind: .mappingEnd, mark: mark)
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, mark: mark)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, mark: mark)
        default: return Event(kind: .streamEnd, mark: mark)
        }
    }

    private var failure: YAMLError {
        let parser = self.parser.pointee
        if parser.error == YAML_READER_ERROR {
            return YAMLError(
                reason: .character(UInt32(bitPattern: parser.problem_value)), mark: self.mark(offset: parser.problem_offset))
        }
        let context = parser.context.map { String(cString: $0) }
        return YAMLError(
            reason: .syntax(
                problem: parser.problem.map { String(cString: $0) } ?? "out of memory", context: context,
                contextMark: context == nil ? nil : Mark(parser.context_mark)),
            mark: Mark(parser.problem_mark))
    }

    /// - Parameter offset: in bytes from the start of the text.
    private func mark(offset: Int) -> Mark {
        let before = self.bytes.prefix(offset)
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? before.startIndex
        let line = before.count { $0 == UInt8(ascii: "\n") }
        let column = before[lineStart...].count { $0 & 0xC0 != 0x80 }
        return Mark(line: line + 1, column: column + 1)
    }
}

extension Mark {
    /// libyaml counts from 0.
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }
}

extension Node.Scalar.Style {
    fileprivate init(_ style: yaml_scalar_style_t) {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: self = .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: self = .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: self = .literal
        case YAML_FOLDED_SCALAR_STYLE: self = .folded
        default: self = .plain
        }
    }
}
