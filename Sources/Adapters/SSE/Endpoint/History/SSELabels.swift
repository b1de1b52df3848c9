import BridgeCore

/// What the templates of a stream render for the events of a batch.
struct SSELabels: Sendable {
    /// The name of the stream of each event; `nil` for a stream with a fixed name.
    private(set) var names: [String]?
    /// The type of each event, for its `event:` line; `nil` for a stream with a fixed type or none.
    private(set) var types: [String?]?
    /// What each event means for the snapshot; `nil` for a stream without one.
    private(set) var marks: [SSESnapshot.Mark]?

    init(names: [String]? = nil, types: [String?]? = nil, marks: [SSESnapshot.Mark]? = nil) {
        self.marks = marks
        self.names = names
        self.types = types
    }

    /// Adds those of the next event.
    ///
    /// - Throws: ``SSERequestError`` with the reason why it cannot be published; nothing is added then.
    mutating func append(_ event: Event, of stream: SSEStream, _ reader: EventReader) throws(SSERequestError) {
        let (name, type) = try Self.labels(of: event, stream, reader)
        if let mark = stream.mark(of: event, reader) { self.marks = Self.appending(mark, to: self.marks.take()) }
        if let name { self.names = Self.appending(name, to: self.names.take()) }
        if stream.hasTypes { self.types = Self.appending(type, to: self.types.take()) }
    }

    /// The name of the stream of an event, unless it is fixed, and the event's type, unless it is fixed.
    ///
    /// - Throws: ``SSERequestError`` with the reason why it cannot be published.
    static func labels(
        of event: Event, _ stream: SSEStream, _ reader: EventReader
    ) throws(SSERequestError) -> (name: String?, type: String?) {
        let (name, type): (String?, String?)
        do { name = stream.isFixed ? nil : try stream.name(of: event, reader) } catch {
            throw SSERequestError("the stream's name \(stream.settings.stream.text) cannot be rendered: \(error)")
        }
        do { type = stream.hasTypes ? try stream.type(of: event, reader) : nil } catch {
            throw SSERequestError("the event's type \(stream.settings.event.text) cannot be rendered: \(error)")
        }
        return (name, type)
    }

    /// Without a copy of the list.
    private static func appending<Label>(_ label: Label, to labels: consuming [Label]?) -> [Label] {
        var labels = labels ?? []
        labels.append(label)
        return labels
    }

    /// Those of some of the events.
    subscript(range: Range<Int>) -> SSELabels {
        SSELabels(
            names: self.names.map { Array($0[range]) }, types: self.types.map { Array($0[range]) },
            marks: self.marks.map { Array($0[range]) })
    }
}
