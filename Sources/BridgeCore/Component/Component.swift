/// The name of a protocol in the configuration file, such as `mqtt` or `redis-stream`.
///
/// Lower case, letters, digits and hyphens.
package struct ComponentKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The name, the value of `type:`.
    package let rawValue: String

    /// Makes a kind from its name; the name is not checked.
    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Makes a kind from a literal.
    package init(stringLiteral value: String) {
        self.rawValue = value
    }

    /// The name.
    package var description: String { self.rawValue }
}

/// The common part of sources and sinks.
///
/// The settings of a component are decoded, unknown keys are refused, ``ComponentConfiguration/validate()`` runs, and
/// ``ComponentConfiguration/exclusiveResources`` are compared across the file. Then follow `init`, repeated calls of
/// `run`, and the shutdown. No step up to and including `init` uses the network, so `streambridge check` covers all of
/// them.
package protocol Component: Sendable {
    /// The settings below the component's name in the file.
    associatedtype Configuration: ComponentConfiguration

    /// The value of `type:` in the file; one source and one sink may share a kind.
    static var kind: ComponentKind { get }
}

/// A component that receives events from a peer.
package protocol Source: Component {
    /// Makes the source; called once, before the first `run`.
    ///
    /// Must be cheap and do no I/O.
    ///
    /// - Throws: ``ComponentError`` for a mistake that is visible only in the running program.
    init(configuration: Configuration, context: ComponentContext) throws

    /// Connects, calls ``SourceOutlet/connected()``, sends events until the connection ends, and throws the reason.
    ///
    /// Called again after a back-off. Returns only after ``SourceOutlet/isStopping`` is true. It then stops reading and
    /// disconnects; where its protocol has acknowledgements, it first waits until the sent events are safe and
    /// acknowledges them. Must return or throw soon after its task is cancelled.
    func run(_ outlet: SourceOutlet) async throws
}

/// A component that sends events to a peer.
package protocol Sink: Component where Configuration: SinkConfiguration {
    /// Makes the sink; called once, before the first `run`.
    ///
    /// Must be cheap and do no I/O.
    ///
    /// - Parameter variants: the sink's own settings, then one element for each route target with a `with:`, in which
    ///   the keys declared with ``Setting/perRoute()`` may differ. ``Delivery/variant`` is an index into it.
    init(variants: [Configuration], context: ComponentContext) throws

    /// The templates that ``run(_:)`` renders for each delivery, by variant; none by default.
    ///
    /// The inlet evaluates those that need jq before it hands out a delivery, so that no expression delays the sink's
    /// thread.
    var templates: [[Template]] { get }

    /// Connects, calls ``SinkInlet/connected()``, takes batches until the inlet ends, and confirms the delivered
    /// events.
    ///
    /// Called again after a back-off when it throws; deliveries taken and not confirmed are then offered again, in
    /// order. When the inlet has ended, it confirms what is in flight, disconnects and returns. Must return or throw
    /// soon after its task is cancelled.
    func run(_ inlet: SinkInlet) async throws
}

extension Sink {
    /// Defaults to none.
    package var templates: [[Template]] { [] }
}
