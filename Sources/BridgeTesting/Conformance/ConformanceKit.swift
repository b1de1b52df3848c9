package import BridgeConfiguration
package import BridgeCore
import Logging
import NIOPosix

/// The adapters and the expression language of the program under test.
package struct ConformanceKit: Sendable {
    /// The adapters of the program.
    package let catalog: AdapterCatalog
    /// Compiles the expressions of the files that ``plan(source:yaml:)`` and ``plan(sink:yaml:)`` load.
    package let expressions: any ExpressionCompiler

    /// Makes a kit from the catalog and the compiler that the executable uses.
    package init(catalog: AdapterCatalog, expressions: any ExpressionCompiler) {
        self.catalog = catalog
        self.expressions = expressions
    }

    /// Loads a configuration file in which the source `under-test` has these settings.
    ///
    /// - Throws: `ConfigurationErrors`, as `streambridge check` prints them.
    package func plan(source kind: ComponentKind, yaml: String) throws -> BridgePlan {
        try self.load(
            """
            sources:
              under-test:
                type: \(kind)
            \(Self.indented(yaml))
            sinks:
              other: { type: file, path: /dev/null }
            routes:
              - { from: [under-test], to: [other] }
            """
        )
    }

    /// Loads a configuration file in which the sink `under-test` has these settings.
    ///
    /// - Throws: `ConfigurationErrors`, as `streambridge check` prints them.
    package func plan(sink kind: ComponentKind, yaml: String) throws -> BridgePlan {
        try self.load(
            """
            sources:
              other: { type: file, path: /dev/null }
            sinks:
              under-test:
                type: \(kind)
            \(Self.indented(yaml))
            routes:
              - { from: [other], to: [under-test] }
            """
        )
    }

    /// The context of a component under test, and the metrics that it counts in.
    static func context(
        name: String, kind: ComponentKind, direction: String, services: SharedServices, cursors: any CursorStore, log: RecordedLog
    ) -> (ComponentContext, Metrics) {
        let metrics = Metrics()
        let context = ComponentContext(
            name: name, logger: log.logger(name), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            bridge: "conformance", cursors: cursors,
            metrics: ComponentMetrics(component: name, kind: kind, direction: direction, metrics: metrics), shared: services
        )
        return (context, metrics)
    }

    /// A logger that drops every line: the test reports its failures itself.
    static func logger(_ label: String) -> Logger {
        Logger(label: label) { _ in SwiftLogNoOpLogHandler() }
    }

    private func load(_ text: String) throws -> BridgePlan {
        let loader = BridgeLoader(
            catalog: self.catalog, expressions: self.expressions, environment: [:],
            readFile: { throw PeerError("a conformance check reads no file \($0)") }
        )
        return try loader.load(text: text, file: "bridges.yaml")
    }

    private static func indented(_ yaml: String) -> String {
        yaml.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
    }
}
