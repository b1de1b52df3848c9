/// The name of a protocol in the configuration file: `mqtt`, `redis-stream`.
///
/// Lower case, letters, digits and hyphens.
package struct ComponentKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package init(stringLiteral value: String) {
        self.rawValue = value
    }

    package var description: String { self.rawValue }
}

/// What sources and sinks have in common.
///
/// The life of a component: its settings are decoded → unknown keys are refused → ``ComponentConfiguration/validate()`` →
/// ``ComponentConfiguration/exclusiveResources`` are compared across the file → `init` → `run`, again and again → shutdown. Up to
/// and without `init` no step touches the network, so `streambridge check` is honest and fast.
package protocol Component: Sendable {
    associatedtype Configuration: ComponentConfiguration

    /// What stands behind `type:` in the file. One source and one sink may share a kind.
    static var kind: ComponentKind { get }
}

/// Brings events in.
package protocol Source: Component {
    /// Called once, before the first `run`. Cheap, no I/O; throws a ``ComponentError`` for what only the running program can know.
    init(configuration: Configuration, context: ComponentContext) throws

    /// Connects, calls ``SourceOutlet/connected()``, sends until the connection ends, and throws why.
    ///
    /// Called again after a back-off. Returns only once ``SourceOutlet/isStopping`` is true: it then reads no more, waits until what
    /// it has sent is safe where its protocol has something to acknowledge, acknowledges that, and disconnects. Must
    /// also return or throw soon after its task is cancelled.
    func run(_ outlet: SourceOutlet) async throws
}

/// Takes events out.
package protocol Sink: Component where Configuration: SinkConfiguration {
    /// Called once, before the first `run`. Cheap, no I/O.
    ///
    /// - Parameter variants: the sink's own settings first, then one for each route target with a `with:`, in which the keys of
    ///   ``SinkConfiguration/perRouteKeys`` may differ. ``Delivery/variant`` is an index into it.
    init(variants: [Configuration], context: ComponentContext) throws

    /// By variant, the templates that ``run(_:)`` renders for each delivery: where jq makes them, the inlet has it evaluated before it hands
    /// the delivery out, so that nobody waits for an expression on the sink's thread. Default none.
    var templates: [[Template]] { get }

    /// Connects, calls ``SinkInlet/connected()``, takes batches until the inlet ends, and confirms what it has handed on.
    ///
    /// Called again after a back-off when it throws; what it had taken and not confirmed is then offered again, in order. When the
    /// inlet has ended it confirms what is still under way, disconnects and returns. Must also end soon after its
    /// task is cancelled.
    func run(_ inlet: SinkInlet) async throws
}

extension Sink {
    package var templates: [[Template]] { [] }
}
