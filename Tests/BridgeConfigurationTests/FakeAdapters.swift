import BridgeConfiguration
import BridgeCore

/// A source whose settings have one value of each kind.
struct FakeSource: Source {
    struct Configuration: ComponentConfiguration {
        var url = ""
        var port = 1
        var timeout = Duration.seconds(1)
        var password: Secret?
        var topics: [String] = []

        static let settings = Settings<Self> {
            Setting(required: "url", \.url, .text, "Address of the peer")
            Setting("port", \.port, .integer(in: 1...65_535), "Port of the peer")
            Setting("timeout", \.timeout, .duration, "Time-out of a request")
            Setting("password", \.password, .secret, "Password at the peer")
            Setting("topics", \.topics, .list(of: .text), "Topics to read")
        }

        func validate() throws {
            if self.url == "bad" { throw SettingError(at: "url", because: "'bad' is not an address; write scheme://host") }
        }

        var exclusiveResources: [Resource] { [Resource("port", "\(self.port)")] }

        func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError? {
            guard self.url == "forgetful", policy == .delivered else { return nil }
            return SettingError(at: "url", because: "ack: delivered needs a peer that remembers")
        }
    }
    static let kind: ComponentKind = "fake"

    init(configuration: Configuration, context: ComponentContext) {}

    func run(_ outlet: SourceOutlet) async throws {}
}

/// A sink with a topic that routes can override.
struct FakeSink: Sink {
    struct Configuration: SinkConfiguration {
        var host = "localhost"
        var topic: Template?

        static let settings = Settings<Self> {
            Setting("host", \.host, .text, "Name of the peer")
            Setting("topic", \.topic, .template, "Topic to write to").perRoute()
        }
    }
    static let kind: ComponentKind = "fake"

    init(variants: [Configuration], context: ComponentContext) {}

    func run(_ inlet: SinkInlet) async throws {}
}

/// Knows one expression that is wrong.
struct FakeCompiler: ExpressionCompiler {
    struct Compiled: Expression {
        func evaluate(_ input: ExpressionInput) throws -> ExpressionValue { .bool(true) }
    }

    func compile(_ text: String) throws -> any Expression {
        if text.contains("wrong") { throw ExpressionError("'wrong' is not defined") }
        return Compiled()
    }
}

/// A loader with the fake adapters.
///
/// - Parameters:
///   - files: the texts by path that `include` finds; a path that ends in `/` is a folder.
///   - itself: the path of the file, which exists too.
func loader(
    environment: [String: String] = [:], presets: [Preset] = [], files: [String: String] = [:], itself: String = "bridges.yaml"
) -> BridgeLoader {
    var catalog = AdapterCatalog()
    catalog.add(FakeSource.self)
    catalog.add(FakeSink.self)
    return BridgeLoader(
        catalog: catalog, expressions: FakeCompiler(), environment: environment, presets: presets,
        included: IncludedFiles(
            paths: { path in
                if path.hasSuffix("/") { return files.keys.filter { $0.hasPrefix(path) }.sorted() }
                guard files[path] != nil || path == itself else { throw ExpressionError("no such file") }
                return [path]
            },
            read: { files[$0] ?? "" }
        ),
        readFile: { path in
            if path == "/empty" { return "\n" }
            guard path == "/secret" else { throw ExpressionError("no such file") }
            return "from the file\n"
        }
    )
}

/// Loads a file with the fake adapters.
func load(
    _ text: String, environment: [String: String] = [:], presets: [Preset] = [], files: [String: String] = [:],
    file: String = "bridges.yaml"
) throws -> BridgePlan {
    try loader(environment: environment, presets: presets, files: files, itself: file).load(text: text, file: file)
}

/// The lines that a file's mistakes are reported in.
func mistakes(
    _ text: String, environment: [String: String] = [:], presets: [Preset] = [], files: [String: String] = [:],
    file: String = "bridges.yaml"
) -> [String] {
    do {
        _ = try load(text, environment: environment, presets: presets, files: files, file: file)
        return []
    } catch let errors as ConfigurationErrors {
        return errors.diagnostics.map(\.description)
    } catch {
        return ["\(error)"]
    }
}
