import BridgeTesting
import Testing

/// Pages that only startup needs are not resident afterwards.
struct StartupPagesTests {
    @Test func `a started program keeps fewer file pages resident than startup mapped`() async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: in }
            sinks:
              out: { type: sse, stream: out }
            routes:
              - { from: [in], to: [out] }
            """
        )
        let resident = try #require(Strain.bytes("RssFile", of: bridge.process.pid))
        let peak = try #require(Strain.bytes("VmHWM", of: bridge.process.pid))
        #expect(resident < peak * 3 / 4, "\(resident) bytes of files are resident, \(peak) bytes were in all")
        #expect(try await bridge.get("/livez").status == 200)
    }
}
