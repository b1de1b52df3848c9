/// What a sink sends for one event: the parts that its protocol has, such as `topic` and `payload`.
package struct SentMessage: Sendable {
    /// The parts in the order in which people read them.
    package let parts: [(name: String, value: PlainValue)]

    /// Makes a message of its parts; those without a value are left out.
    package init(_ parts: [(name: String, value: PlainValue?)]) {
        self.parts = parts.compactMap { part in part.value.map { (part.name, $0) } }
    }

    /// The parts as members of an object.
    package var value: PlainValue { .object(self.parts) }
}

/// Renders deliveries as a sink sends them, without a connection.
///
/// Not thread-safe.
package struct SinkPreview {
    /// Renders one delivery.
    ///
    /// Throws ``PreviewRefusal`` for a delivery that the sink refuses.
    package let message: (Delivery, EventReader) throws -> SentMessage

    /// Makes a preview.
    package init(message: @escaping (Delivery, EventReader) throws -> SentMessage) {
        self.message = message
    }
}

/// Why a sink refuses a delivery, as in ``SinkInlet/refuse(_:_:)``.
package struct PreviewRefusal: Error, CustomStringConvertible {
    /// One sentence without a final stop.
    package let reason: String

    /// Makes a refusal.
    package init(_ reason: String) {
        self.reason = reason
    }

    /// The reason.
    package var description: String { self.reason }
}

/// A sink whose messages can be seen without a connection.
package protocol PreviewingSink: Sink {
    /// Makes what renders deliveries in the way of ``Sink/run(_:)``.
    ///
    /// Must do no I/O.
    ///
    /// - Parameter variants: as for ``Sink/init(variants:context:)``.
    static func preview(variants: [Configuration], context: ComponentContext) throws -> SinkPreview
}
