import BridgeCore
import BridgeTesting
import StreamBridge
import Testing

/// Every sink that ships, against a real peer.
///
/// See `SinkConformance` for what each check does.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct EverySinkTests {
    @Test func `every kind that ships has a fixture, and the reverse`() {
        #expect(Set(SinkKind.all.map { $0.fixture.kind }) == Set(AdapterCatalog.shipped.sinks.keys))
        #expect(SinkKind.all.count == AdapterCatalog.shipped.sinks.count)
    }

    @Test(arguments: SinkKind.all)
    func `the settings are read`(of kind: SinkKind) async throws {
        try await SinkConformance.settingsAreRead(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `an unknown key is refused with its location`(of kind: SinkKind) async throws {
        try await SinkConformance.wrongKeyIsRefused(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `a thousand events arrive in order`(of kind: SinkKind) async throws {
        try await SinkConformance.deliversInOrder(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `bodies arrive unchanged`(of kind: SinkKind) async throws {
        try await SinkConformance.bodiesArriveAsTheyAre(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `origin, hops and trace travel along`(of kind: SinkKind) async throws {
        try await SinkConformance.passageTravels(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `it waits for a peer that has not started yet`(of kind: SinkKind) async throws {
        try await SinkConformance.waitsForThePeer(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `unconfirmed events are offered again`(of kind: SinkKind) async throws {
        try await SinkConformance.unconfirmedIsOfferedAgain(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `a refused event becomes a dead letter`(of kind: SinkKind) async throws {
        try await SinkConformance.refusedBecomesDeadLetter(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `it delivers pending events and stops soon`(of kind: SinkKind) async throws {
        try await SinkConformance.stopsSoon(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `it ends when cancelled`(of kind: SinkKind) async throws {
        try await SinkConformance.endsWhenCancelled(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `two run side by side`(of kind: SinkKind) async throws {
        try await SinkConformance.twoAtOnce(kind.fixture, .shipped)
    }

    @Test(arguments: SinkKind.all)
    func `it leaves no descriptor and no thread`(of kind: SinkKind) async throws {
        try await SinkConformance.leavesNothing(kind.fixture, .shipped)
    }
}
