import BridgeConfiguration
import BridgeCore

/// A source whose settings have one value of each kind.
struct FakeSource: Source {
    struct Configuration: ComponentConfiguration {
        enum CodingKeys: String, CodingKey, CaseIterable { case url, port, timeout, password, topics }

        let url: String
        let port: Int
        let timeout: Duration
        let password: Secret?
        let topics: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.url = try container.required(.url)
            self.port = try container.integer(.port, in: 1...65_535, default: 1)
            self.timeout = try container.duration(.timeout, default: .seconds(1))
            self.password = try container.optional(.password)
            self.topics = try container.value(.topics, default: [])
        }

        func validate() throws {
            if self.url == "bad" { throw SettingError(path: [CodingKeys.url], "'bad' is no address; write scheme://host") }
        }

        var exclusiveResources: [Resource] { [Resource("port", "\(self.port)")] }

        func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError? {
            guard self.url == "forgetful", policy == .delivered else { return nil }
            return SettingError(path: [CodingKeys.url], "ack: delivered needs a peer that remembers")
        }
    }
    static let kind: ComponentKind = "fake"

    init(configuration: Configuration, context: ComponentContext) {}

    func run(_ outlet: SourceOutlet) async throws {}
}

/// A sink with a topic that routes may set anew.
struct FakeSink: Sink {
    struct Configuration: SinkConfiguration {
        enum CodingKeys: String, CodingKey, CaseIterable { case host, topic }

        static let perRouteKeys: [CodingKeys] = [.topic]
        let host: String
        let topic: Template?

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.host = try container.value(.host, default: "localhost")
            self.topic = try container.optional(.topic)
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

/// Loads a file with the fake adapters.
func load(_ text: String, environment: [String: String] = [:]) throws -> BridgePlan {
    var catalog = AdapterCatalog()
    catalog.add(FakeSource.self)
    catalog.add(FakeSink.self)
    let loader = BridgeLoader(
        catalog: catalog, expressions: FakeCompiler(), environment: environment,
        readFile: { path in
            if path == "/empty" { return "\n" }
            guard path == "/secret" else { throw ExpressionError("no such file") }
            return "from the file\n"
        }
    )
    return try loader.load(text: text, file: "bridges.yaml")
}

/// The lines that a file's mistakes are told in.
func mistakes(_ text: String, environment: [String: String] = [:]) -> [String] {
    do {
        _ = try load(text, environment: environment)
        return []
    } catch let errors as ConfigurationErrors {
        return errors.diagnostics.map(\.description)
    } catch {
        return ["\(error)"]
    }
}
