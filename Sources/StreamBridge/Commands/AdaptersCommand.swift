import ArgumentParser
import BridgeCore

/// `streambridge adapters`.
struct AdaptersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapters",
        abstract: "List the kinds of sources and sinks with the keys that each understands."
    )

    func run() throws {
        let catalog = AdapterCatalog.shipped
        for kind in Set(catalog.sources.keys).union(catalog.sinks.keys).sorted(by: { $0.rawValue < $1.rawValue }) {
            print(kind)
            if let source = catalog.sources[kind] { print("  source  \(source.keys.sorted().joined(separator: ", "))") }
            if let sink = catalog.sinks[kind] {
                print("  sink    \(sink.keys.sorted().joined(separator: ", "))")
                if !sink.perRouteKeys.isEmpty {
                    print("  with    \(sink.perRouteKeys.sorted().joined(separator: ", "))")
                }
            }
        }
    }
}
