package import BridgeConfiguration
package import BridgeCore
import Logging
import NIOPosix

/// What the checks need to know of the program: its adapters and its expression language.
package struct ConformanceKit: Sendable {
    package let catalog: AdapterCatalog
    package let expressions: any ExpressionCompiler

    package init(catalog: AdapterCatalog, expressions: any ExpressionCompiler) {
        self.catalog = catalog
        self.expressions = expressions
    }

    /// Reads a file in which the source `under-test` has these settings.
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

    /// Reads a file in which the sink `under-test` has these settings.
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

    /// What a component gets in a test.
    static func context(name: String, kind: ComponentKind, direction: String, services: SharedServices, cursors: any CursorStore)
        -> (ComponentContext, Metrics)
    {
        let metrics = Metrics()
        let context = ComponentContext(
            name: name, logger: self.logger(name), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            bridge: "conformance", cursors: cursors,
            metrics: ComponentMetrics(component: name, kind: kind, direction: direction, metrics: metrics), shared: services
        )
        return (context, metrics)
    }

    /// Quiet: a test says itself what went wrong.
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
