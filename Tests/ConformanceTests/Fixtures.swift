import BridgeCore
import BridgeTesting
import Expressions
import StreamBridge
import Testing

extension ConformanceKit {
    /// The adapters that ship with the program, and its expression language.
    static let shipped = ConformanceKit(catalog: .shipped, expressions: JQCompiler(executable: BridgeProcess.executable))
}

/// One kind of source under test.
struct SourceKind: Sendable, CustomTestStringConvertible {
    let fixture: any SourceFixture.Type

    /// Every kind that ships; a kind without a fixture fails ``EverySourceTests``.
    static let all: [SourceKind] = [
        SourceKind(fixture: FileSourceFixture.self),
        SourceKind(fixture: MQTTSourceFixture.self),
        SourceKind(fixture: RedisSourceFixture.self),
        SourceKind(fixture: RedisListFixture.self),
        SourceKind(fixture: RedisStreamSourceFixture.self),
        SourceKind(fixture: SSESourceFixture.self),
        SourceKind(fixture: WebhookSourceFixture.self),
    ]

    var testDescription: String { "\(self.fixture)" }
}

/// One kind of sink under test.
struct SinkKind: Sendable, CustomTestStringConvertible {
    let fixture: any SinkFixture.Type

    /// Every kind that ships; a kind without a fixture fails ``EverySinkTests``.
    static let all: [SinkKind] = [
        SinkKind(fixture: FileSinkFixture.self),
        SinkKind(fixture: HomeAssistantFixture.self),
        SinkKind(fixture: MQTTSinkFixture.self),
        SinkKind(fixture: RedisSinkFixture.self),
        SinkKind(fixture: RedisStreamSinkFixture.self),
        SinkKind(fixture: SMTPSinkFixture.self),
        SinkKind(fixture: SSEEndpointFixture.self),
        SinkKind(fixture: WebhookSinkFixture.self),
    ]

    var testDescription: String { "\(self.fixture.kind)" }
}
