import BridgeCore
import BridgeTesting
import StreamBridge
import Testing

/// Every source that ships, against a real peer.
///
/// See `SourceConformance` for what each check does.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct EverySourceTests {
    @Test func `every kind that ships has a fixture, and the reverse`() {
        #expect(Set(SourceKind.all.map { $0.fixture.kind }) == Set(AdapterCatalog.shipped.sources.keys))
        #expect(Set(SourceKind.all.map { ObjectIdentifier($0.fixture) }).count == SourceKind.all.count)
    }

    @Test(arguments: SourceKind.all)
    func `the settings are read`(of kind: SourceKind) async throws {
        try await SourceConformance.settingsAreRead(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `an unknown key is refused with its location`(of kind: SourceKind) async throws {
        try await SourceConformance.wrongKeyIsRefused(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `a thousand messages arrive in order`(of kind: SourceKind) async throws {
        try await SourceConformance.deliversInOrder(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `bodies arrive unchanged`(of kind: SourceKind) async throws {
        try await SourceConformance.bodiesArriveAsTheyAre(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `headers become attributes`(of kind: SourceKind) async throws {
        try await SourceConformance.headersAreKept(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `it pauses on demand and loses nothing`(of kind: SourceKind) async throws {
        try await SourceConformance.pausesWhenTold(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `it connects again after a loss`(of kind: SourceKind) async throws {
        try await SourceConformance.reconnects(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `it waits for a peer that has not started yet`(of kind: SourceKind) async throws {
        try await SourceConformance.waitsForThePeer(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `it resumes where the last run ended`(of kind: SourceKind) async throws {
        try await SourceConformance.resumes(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `unacknowledged messages are redelivered`(of kind: SourceKind) async throws {
        try await SourceConformance.unconfirmedComesAgain(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `it stops soon`(of kind: SourceKind) async throws {
        try await SourceConformance.stopsSoon(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `it ends when cancelled`(of kind: SourceKind) async throws {
        try await SourceConformance.endsWhenCancelled(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `two run side by side`(of kind: SourceKind) async throws {
        try await SourceConformance.twoAtOnce(kind.fixture, .shipped)
    }

    @Test(arguments: SourceKind.all)
    func `it leaves no descriptor and no thread`(of kind: SourceKind) async throws {
        try await SourceConformance.leavesNothing(kind.fixture, .shipped)
    }
}
