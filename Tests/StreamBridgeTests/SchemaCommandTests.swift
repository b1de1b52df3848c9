import BridgeConfiguration
import BridgeTesting
import FoundationEssentials
import StreamBridge
import Testing

/// `schema`.
@Suite(.timeLimit(.minutes(1)))
struct SchemaCommandTests {
    @Test func `schema prints JSON, and refuses an unknown page of the reference`() async throws {
        struct Schema: Decodable { let title: String }
        let (code, output, _) = try await BridgeProcess.command("schema")
        #expect(code == 0)
        #expect(try JSONDecoder().decode(Schema.self, from: Data(output.utf8)).title == "streambridge")
        let page = try await BridgeProcess.command("schema", "--reference", "sinks")
        #expect(page.output == ReferencePage(catalog: .shipped).text(of: "sinks"))
        let refused = try await BridgeProcess.command("schema", "--reference", "sink")
        #expect(refused.code == 64 && refused.error.contains("no page is called 'sink'; did you mean 'sinks'?"))
    }
}
