import Testing

@testable import FileAdapter

struct PathHistoryTests {
    private static func departures(
        _ events: [PathHistory.Event], isOccupied: Bool = true
    ) -> [String?] {
        var history = PathHistory(name: "log", isOccupied: isOccupied)
        for event in events { history.add(event) }
        return history.take().departures.map(\.name)
    }

    @Test func `a file is followed from name to name`() {
        let events: [PathHistory.Event] = [
            .movedFrom("log", cookie: 1), .movedTo("log.1", cookie: 1), .created("log"),
            .movedFrom("log.1", cookie: 2), .movedTo("log.2", cookie: 2),
            .movedFrom("log", cookie: 3), .movedTo("log.1", cookie: 3), .created("log"),
        ]
        #expect(Self.departures(events) == ["log.2", "log.1"])
    }

    @Test func `removed, overwritten and moved away are distinguished from renamed`() {
        #expect(Self.departures([.deleted("log"), .created("log"), .deleted("log")]) == [nil, nil])
        #expect(Self.departures([.movedFrom("new", cookie: 1), .movedTo("log", cookie: 1)]) == [nil])
        #expect(Self.departures([.movedFrom("new", cookie: 1), .movedTo("log", cookie: 1)], isOccupied: false) == [])
        #expect(Self.departures([.movedFrom("log", cookie: 1), .movedTo("log.1", cookie: 1), .deleted("log.1")]) == [nil])
        #expect(Self.departures([.movedFrom("log", cookie: 1), .movedTo("other", cookie: 2)]) == [nil])
        let overwritten: [PathHistory.Event] = [
            .movedFrom("log", cookie: 1), .movedTo("log.1", cookie: 1), .created("log"),
            .movedFrom("log", cookie: 2), .movedTo("log.1", cookie: 2),
        ]
        #expect(Self.departures(overwritten) == [nil, "log.1"])
    }

    @Test func `a file that is moved back counts as present`() {
        let events: [PathHistory.Event] = [
            .movedFrom("log", cookie: 1), .movedTo("aside", cookie: 1), .movedFrom("aside", cookie: 2),
            .movedTo("log", cookie: 2),
        ]
        #expect(Self.departures(events) == [])
        #expect(Self.departures([.created("other"), .deleted("other"), .movedTo("log.1", cookie: 9)]) == [])
    }

    @Test func `more removals than are recorded, or events that the kernel dropped, make it incomplete`() {
        var history = PathHistory(name: "log", isOccupied: true)
        for cookie in 0..<UInt32(PathHistory.mostDepartures) {
            history.add(.movedFrom("log", cookie: cookie))
            history.add(.movedTo("log.\(cookie)", cookie: cookie))
            history.add(.created("log"))
        }
        let kept = history
        history.add(.deleted("log"))
        let (departures, isComplete) = history.take()
        #expect(departures.count == PathHistory.mostDepartures && departures.last?.name == nil && !isComplete)
        history = kept
        #expect(history.take().isComplete)
        history.add(.overflow)
        #expect(!history.take().isComplete)
        #expect(history.take().isComplete)
    }
}
