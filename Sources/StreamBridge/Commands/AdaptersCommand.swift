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
        try StandardOutput.write { output in
            for kind in Set(catalog.sources.keys).union(catalog.sinks.keys).sorted(by: { $0.rawValue < $1.rawValue }) {
                try output.add(line: "\(kind)")
                if let source = catalog.sources[kind] {
                    try output.add(line: "  source  \(source.keys.sorted().joined(separator: ", "))")
                }
                if let sink = catalog.sinks[kind] {
                    try output.add(line: "  sink    \(sink.keys.sorted().joined(separator: ", "))")
                    if !sink.perRouteKeys.isEmpty {
                        try output.add(line: "  with    \(sink.perRouteKeys.sorted().joined(separator: ", "))")
                    }
                }
            }
        }
    }
}
