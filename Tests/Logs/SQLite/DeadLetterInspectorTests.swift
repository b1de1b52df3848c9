import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// The dead letters of a log that a program runs with, as an operator works on them.
@Suite(.timeLimit(.minutes(2)))
struct DeadLetterInspectorTests {
    private let directory: TemporaryDirectory
    private var path: String { self.directory.file("events.db") }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open() throws -> (log: SQLiteLog, contents: LogContents) {
        try SQLiteLog.open(DurableLogSettings(path: self.path), bridge: "here", sinks: ["out", "letters"])
    }

    private func letters() throws -> DeadLetterInspector { try DeadLetterInspector(path: self.path, sinks: ["out", "letters"]) }

    private static func letter(_ id: Int64, sink: String = "out", target: String? = nil, bytes: Int = 0) -> StoredDeadLetter {
        let event = Event(
            id: "\(id)", title: nil, message: "m", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
            source: "in", subject: "a", attributes: Attributes(), raw: ByteBuffer(repeating: 0x78, count: bytes),
            limits: EventLimits()
        )
        return StoredDeadLetter(
            id: id, time: .now(), sink: sink, route: "all", reason: "r", attempts: 1, target: target, event: event,
            position: Position(1)
        )
    }

    private static func keep(_ letters: [StoredDeadLetter], in log: SQLiteLog) throws {
        var changes = LogChanges()
        changes.letters = letters.map { .keep($0) }
        changes.events = letters.filter { $0.target != nil }.map { self.record(of: $0, $0.undelivered, to: $0.target!) }
        try log.commit(changes)
    }

    /// What the program appends for a letter, with the letter's number as the position.
    private static func record(of letter: StoredDeadLetter, _ event: Event, to sink: String) -> StoredEvent {
        StoredEvent(
            position: Position(UInt64(letter.id)), accepted: .now(), event: event,
            targets: [StoredEvent.Target(sink: sink, route: "", variant: 0, copy: -1)], letter: letter.id)
    }

    @Test func `what is asked for while the program looks is not passed over`() async throws {
        let (log, _) = try self.open()
        let ids = Array(Int64(1)...1000)
        try Self.keep(ids.map { Self.letter($0) }, in: log)
        async let asked: Void = Self.ask(ids, at: self.path)
        var taken: [Int64] = []
        let deadline = ContinuousClock.now + .seconds(30)
        while taken.count < ids.count, .now < deadline {
            // Who finds the file busy for seconds, because the other takes it again and again, comes back.
            taken += (try? log.replays().letters.map(\.id)) ?? []
            await Task.yield()
        }
        try await asked
        #expect(taken == ids)
    }

    /// One command for each letter.
    private static func ask(_ ids: [Int64], at path: String) async throws {
        for id in ids {
            try await eventually { (try? DeadLetterInspector(path: path, sinks: ["out"]).replay(.init(ids: [id])).done) == 1 }
        }
    }

    @Test func `what is asked for is taken in pieces, by number and by weight`() throws {
        let (log, _) = try self.open()
        try Self.keep((1...9).map { Self.letter($0, bytes: $0 > 5 ? 5 << 20 : 0) }, in: log)
        #expect(try self.letters().replay(.init()).done == 9)
        var pieces: [[Int64]] = []
        while case let found = try log.replays(atMost: 3), !found.letters.isEmpty {
            pieces.append(found.letters.map(\.id))
            #expect(found.hasMore || pieces.count == 4)
        }
        #expect(pieces == [[1, 2, 3], [4, 5, 6], [7, 8], [9]])
        #expect(try self.letters().letters(.init()).letters.allSatisfy { $0.state == .inDelivery })
    }

    @Test func `what is asked for is found, though the file was busy when it was looked for`() throws {
        let (log, _) = try self.open()
        try Self.keep([Self.letter(1)], in: log)
        #expect(try self.letters().replay(.init()).done == 1)
        let other = try SQLiteConnection(path: self.path, creates: false)
        try other.execute("BEGIN IMMEDIATE")
        #expect(throws: LogError.self) { try log.replays() }
        try other.execute("ROLLBACK")
        #expect(try log.replays().letters.map(\.id) == [1])
    }

    @Test func `what the running program is delivering is neither dropped nor sent elsewhere, and the reason is said`() throws {
        do {
            let (log, _) = try self.open()
            try Self.keep(
                [
                    Self.letter(1), Self.letter(2), Self.letter(3, target: "letters"), Self.letter(4, sink: "gone"),
                    Self.letter(5, target: "gone"), Self.letter(6, sink: ""),
                ], in: log)
            let file = try self.letters()
            #expect(try file.replay(.init(ids: [2])).done == 1)
            #expect(try log.replays().letters.map(\.id) == [2])
            #expect(try file.replay(.init(ids: [1])).done == 1)
            #expect(
                try file.letters(.init()).letters.map(\.state) == [.requested, .inDelivery, .inDelivery, .kept, .kept, .kept])
            let replayed = try file.replay(.init(ids: [1, 2, 3, 4, 5, 6, 77]))
            #expect(replayed.done == 2)
            #expect(replayed.refused.map(\.id) == [1, 2, 3, 4, 77])
            #expect(replayed.refused.map(\.isMet) == [true, true, false, false, false])
            #expect(replayed.refused[0].reason == "has a requested retry already")
            #expect(replayed.refused[1].reason == "is in delivery already")
            #expect(replayed.refused[2].reason.hasPrefix("is in delivery to letters, its dead-letter sink"))
            #expect(replayed.refused[3].reason == "its sink gone is no longer in the configuration")
            #expect(replayed.refused[4].reason == "there is no such dead letter")
            let dropped = try file.drop(.init(ids: [2, 3, 4, 77]))
            #expect(dropped.done == 1)
            #expect(dropped.refused.map(\.id) == [2, 3, 77])
            #expect(dropped.refused[0].reason.hasPrefix("is in delivery to out; drop it when it is refused again"))
            #expect(dropped.refused[1].reason.hasPrefix("is in delivery to letters; drop it when it is refused again"))
            #expect(try file.letters(.init()).letters.map(\.id) == [1, 2, 3, 5, 6])
        }
        // While no program runs nothing is on its way.
        #expect(try self.letters().drop(.init(ids: [2])).done == 1)
        #expect(try self.letters().replay(.init(ids: [3])).done == 1)
        let (log, contents) = try self.open()
        #expect(contents.sinks["letters"]?.count == 0, "the sink for dead letters is not given what goes back to its own")
        #expect(contents.head == Position(5), "positions go on behind it")
        #expect(try log.replays().letters.map(\.id) == [1, 3, 5, 6])
    }

    @Test func `a replay that the log has is delivered after a restart, unless its letter is dropped before`() throws {
        let letters = [1, 2].map { Self.letter($0) }
        do {
            let (log, _) = try self.open()
            try Self.keep(letters, in: log)
            let file = try self.letters()
            #expect(try file.replay(.init()).done == 2)
            #expect(try log.replays().letters.map(\.id) == [1, 2])
            var changes = LogChanges()
            changes.events = letters.map { Self.record(of: $0, $0.event, to: "out") }
            try log.commit(changes)
            #expect(try file.letters(.init()).letters.map(\.state) == [.inDelivery, .inDelivery])
            #expect(try file.replay(.init(ids: [1])).refused == [.init(id: 1, reason: "is in delivery already", isMet: true)])
            #expect(try file.drop(.init(ids: [1])).refused.first?.reason.hasPrefix("is in delivery to out; drop it when") == true)
        }
        // While no program runs nothing is on its way.
        let asked = try self.letters().replay(.init(ids: [2])).refused
        #expect(asked == [.init(id: 2, reason: "has a requested retry already", isMet: true)])
        #expect(try self.letters().drop(.init(ids: [1])).done == 1)
        let (log, contents) = try self.open()
        #expect(contents.sinks["out"]?.count == 1 && contents.head == Position(2))
        let page = try log.page(of: "out", after: .start, atMost: 9)
        #expect(page.events.map(\.letter) == [2] && page.events.map(\.event.id) == ["2"])
        #expect(try log.replays().letters.isEmpty, "it is not appended again")
    }

    @Test func `a letter whose record is gone is kept`() throws {
        do {
            let (log, _) = try self.open()
            try Self.keep([Self.letter(1, target: "letters"), Self.letter(2, target: "letters"), Self.letter(3)], in: log)
            let tool = try SQLiteConnection(path: self.path, creates: false)
            try tool.execute("DELETE FROM events WHERE position = 1")
        }
        let (log, contents) = try self.open()
        #expect(contents.sinks["letters"]?.count == 1)
        #expect(try self.letters().letters(.init()).letters.map(\.state) == [.kept, .inDelivery, .kept])
        withExtendedLifetime(log) {}
    }

    @Test func `a number stands for one letter only, also over a restart and from an older log on`() throws {
        try OlderLog.create(at: self.path, version: 3, (1...3).map { OlderLog.insertLetter($0) }.joined())
        #expect(try self.letters().drop(.init(ids: [3])).done == 1)
        do {
            let (log, contents) = try self.open()
            #expect(contents.lastDeadLetter == 3)
            try Self.keep([Self.letter(4)], in: log)
        }
        #expect(try self.letters().drop(.init()).done == 3)
        #expect(try self.open().contents.lastDeadLetter == 4)
    }

    @Test func `a list has all letters in their order, and reads no events`() throws {
        let (log, _) = try self.open()
        let ids = Array(Int64(1)...3000)
        try Self.keep(ids.map { Self.letter($0, sink: $0 % 2 == 0 ? "out" : "gone", target: $0 == 5 ? "away" : nil) }, in: log)
        do {
            let tool = try SQLiteConnection(path: self.path, creates: false)
            try tool.execute("UPDATE dead_letters SET event = '{' WHERE id = 7")
        }
        let file = try self.letters()
        var listed: [DeadLetterSummary] = []
        try file.list(.init()) { listed.append($0) }
        #expect(listed.map(\.id) == ids)
        #expect(listed[4].sink == "gone" && listed[4].state == .kept && listed[4].subject == "a" && listed[4].reason == "r")
        var even: [Int64] = []
        try file.list(.init(sink: "out")) { even.append($0.id) }
        #expect(even == ids.filter { $0 % 2 == 0 })
        var shown: [Int64] = []
        #expect(try file.show(.init(ids: [2999, 4])) { shown.append($0.id) }.isEmpty)
        #expect(shown == [4, 2999])
        #expect(try file.knows(sink: "gone") && file.knows(sink: "letters") && file.knows(sink: ""))
        #expect(try !file.knows(sink: "aut"))
    }

    @Test func `the letters are counted, whoever adds or removes them`() throws {
        let (log, _) = try self.open()
        #expect(try log.deadLetterCount() == 0)
        try Self.keep([1, 2, 3].map { Self.letter($0) }, in: log)
        #expect(try log.deadLetterCount() == 3)
        #expect(try self.letters().drop(.init(ids: [1])).done == 1)
        #expect(try log.replays().letters.isEmpty)
        #expect(try log.deadLetterCount() == 2)
    }
}
