package import NIOCore

extension Event {
    /// Makes an event from its parts: cuts what is longer than the limits and renders ``json``.
    ///
    /// - Parameter payload: valid JSON in UTF-8; spliced byte for byte unless it holds CR or LF outside strings.
    package convenience init(
        id: String, title: String?, message: String, priority: Int?, tags: [String], timestamp: Timestamp,
        payload: ByteBuffer?, source: String, subject: String, attributes: Attributes, raw: ByteBuffer,
        kind: Kind = .message, passage: Passage = Passage(), limits: EventLimits
    ) {
        fatalError()
    }
}
