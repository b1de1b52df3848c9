/// A resource that an event could make a sink use although another component claims it alone.
///
/// A sink whose address is a template has one: an event must not choose the fixed address of another sink.
package struct Contention: Sendable {
    /// The kind of the resources, as in ``Resource/kind``.
    package let kind: String
    /// The literal text that every address of the sink begins with; empty when an event chooses the beginning.
    package let prefix: String
    /// Why an event must not choose a resource, `nil` for one that it cannot choose.
    ///
    /// Called for resources of ``kind`` whose value begins with ``prefix``, with the owner's place in the file.
    package let refusal: @Sendable (Resource, _ owner: String) -> SettingError?

    /// Makes a contention from its parts.
    package init(
        kind: String, prefix: String, refusal: @escaping @Sendable (Resource, _ owner: String) -> SettingError?
    ) {
        self.kind = kind
        self.prefix = prefix
        self.refusal = refusal
    }
}
