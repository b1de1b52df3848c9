/// The bridges that an event has crossed, for the loop detection, and its trace.
///
/// Sinks that support attributes send it under these names; sources return those attributes.
package struct Provenance: Sendable, Equatable {
    /// The attribute (header, user property, stream field) with the name of the bridge that first accepted the event.
    package static let originAttribute = "streambridge-origin"
    /// The attribute with the number of bridges that the event has crossed, in decimal.
    package static let hopsAttribute = "streambridge-hops"
    /// The attribute of the trace (W3C Trace Context §3.2).
    package static let traceAttribute = "traceparent"

    /// The name of the bridge that first accepted the event; `nil` until it is accepted.
    package var origin: String?
    /// The number of bridges crossed, this one included; 0 to 255.
    package var hops: Int
    /// The `traceparent` that the event arrived with (W3C Trace Context §3.2); `nil` when it had none.
    package var trace: String?

    /// Makes the provenance of an event that no bridge has accepted yet.
    package init(origin: String? = nil, hops: Int = 0, trace: String? = nil) {
        self.origin = origin
        self.hops = hops
        self.trace = trace
    }

    /// Whether the event is in a loop: it has crossed too many bridges, or has returned and cannot be distinguished
    /// from others.
    ///
    /// - Parameters:
    ///   - bridge: this bridge's name.
    ///   - maximumHops: how many bridges an event may cross, this one included.
    ///   - isNative: whether the event had its own id and timestamp, by which duplicates are recognised.
    func isLooped(bridge: String, maximumHops: Int, isNative: Bool) -> Bool {
        if self.hops > maximumHops { return true }
        return self.hops > 1 && self.origin == bridge && !isNative
    }

    /// The attributes that a sink sends for the next bridge; without absent values.
    package var attributes: [Attributes.Element] {
        var result: [Attributes.Element] = []
        if let origin { result.append((Self.originAttribute, origin)) }
        if self.hops > 0 { result.append((Self.hopsAttribute, String(self.hops))) }
        if let trace { result.append((Self.traceAttribute, trace)) }
        return result
    }
}
