/// Where an event has been: the loop protection's knowledge and the trace it belongs to.
///
/// Sinks that can carry attributes send it on under these names; sources hand them back as attributes of those names.
package struct Passage: Sendable, Equatable {
    /// The attribute (header, user property, stream field) that names the bridge which first accepted the event.
    package static let originAttribute = "streambridge-origin"
    /// The attribute that counts the bridges the event has crossed, a decimal number.
    package static let hopsAttribute = "streambridge-hops"
    /// The attribute of the trace, W3C Trace Context §3.2.
    package static let traceAttribute = "traceparent"

    /// The name of the bridge that first accepted the event; absent until it is accepted.
    package var origin: String?
    /// How many bridges it has crossed, this one included; 0 to 255.
    package var hops: Int
    /// The W3C `traceparent` it arrived with.
    package var trace: String?

    package init(origin: String? = nil, hops: Int = 0, trace: String? = nil) {
        self.origin = origin
        self.hops = hops
        self.trace = trace
    }

    /// The attributes a sink sends on, so that the next bridge knows.
    package var attributes: [Attributes.Element] {
        var result: [Attributes.Element] = []
        if let origin { result.append((Self.originAttribute, origin)) }
        if self.hops > 0 { result.append((Self.hopsAttribute, String(self.hops))) }
        if let trace { result.append((Self.traceAttribute, trace)) }
        return result
    }
}
