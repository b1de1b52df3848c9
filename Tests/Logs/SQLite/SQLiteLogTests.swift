import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// The log in its file: what is written comes back.
struct SQLiteLogTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(self.directory.path)/events.db" }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open(
        _ sinks: [String] = ["out"], events: Int = 1_000_000, age: Duration = .seconds(3600)
    ) throws -> (log: SQLiteLog, contents: LogContents) {
        try SQLiteLog.open(DurableLogSettings(path: self.path, events: events, age: age), bridge: "here", sinks: sinks)
    }

    private static func stored(_ position: UInt64, _ event: Event, to sinks: [String] = ["out"]) -> StoredEvent {
        StoredEvent(
            position: Position(position), accepted: .now(), event: event,
            targets: sinks.map { StoredEvent.Target(sink: $0, route: "all", variant: 0, copy: -1) }
        )
    }

    private static func event(_ id: String, payload: String? = nil, raw: ByteBuffer? = nil) -> Event {
        Event(
            id: id, title: nil, message: id, priority: nil, tags: [], timestamp: Timestamp(milliseconds: 1_700_000_000_123),
            payload: payload.map { ByteBuffer(string: $0) }, source: "in", subject: "a/b", attributes: Attributes(),
            raw: raw ?? ByteBuffer(string: payload ?? id), provenance: Provenance(origin: "here", hops: 1), limits: EventLimits()
        )
    }

    private static func changes(_ events: [StoredEvent] = [], _ fill: (inout LogChanges) -> Void = { _ in }) -> LogChanges {
        var changes = LogChanges()
        changes.events = events
        fill(&changes)
        return changes
    }

    // MARK: What comes back

    @Test func `an event comes back as it was`() throws {
        let events = [
            Event(
                id: "one", title: "Tür \"auf\"", message: "line\nbreak \u{1F600}", priority: 4, tags: ["a", "b c"],
                timestamp: Timestamp(milliseconds: 1_700_000_000_123), payload: ByteBuffer(string: #"{"x":[1,2.50,null]}"#),
                source: "in", subject: "home/door", attributes: Attributes([("qos", "1"), ("x", "y\"z"), ("x", "again")]),
                raw: ByteBuffer(string: "{ \"x\": [1,2.50,null] }"), kind: .message,
                provenance: Provenance(origin: "elsewhere", hops: 3, trace: "00-abc-def-01"), limits: EventLimits()
            ),
            Self.event("same", payload: #"{"raw":"is the payload"}"#),
            Self.event("text"),
            Self.event("bytes", payload: "\"AAEC\"", raw: ByteBuffer(bytes: Array(0...255))),
            Event(
                id: "gap", title: "Gap", message: "lost", priority: nil, tags: ["gap"], timestamp: Timestamp(milliseconds: 0),
                payload: nil, source: "in", subject: "gap", attributes: Attributes(), raw: ByteBuffer(), kind: .gap,
                provenance: Provenance(origin: "here", hops: 1), limits: EventLimits()
            ),
        ]
        let (log, _) = try self.open()
        try log.commit(Self.changes(events.enumerated().map { Self.stored(UInt64($0.offset) + 1, $0.element) }))
        let page = try log.page(of: "out", after: .start, atMost: 100)
        #expect(page.through == Position(5))
        #expect(page.events.map(\.position) == (1...5).map { Position($0) })
        for (read, event) in zip(page.events.map(\.event), events) {
            #expect(read.json == event.json)
            #expect(read.id == event.id)
            #expect(read.title == event.title)
            #expect(read.message == event.message)
            #expect(read.priority == event.priority)
            #expect(read.tags == event.tags)
            #expect(read.timestamp == event.timestamp)
            #expect(read.payload == event.payload)
            #expect(read.raw == event.raw)
            #expect(read.subject == event.subject)
            #expect(read.attributes.elements.map(\.name) == event.attributes.elements.map(\.name))
            #expect(read.attributes.elements.map(\.value) == event.attributes.elements.map(\.value))
            #expect(read.provenance == event.provenance)
            #expect(read.kind == event.kind)
        }
    }

    /// A composed and a decomposed é are equal to Swift, and two topics to MQTT 3.1.1 §1.5.3.
    @Test func `texts that only look alike come back as their own bytes`() throws {
        let texts = ["caf\u{E9}", "cafe\u{301}", "cafe\u{301}", "caf\u{E9}", ""]
        let events = texts.map { text in
            Event(
                id: "one", title: nil, message: "m", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
                source: "in", subject: text, attributes: Attributes([("x", text)]), raw: ByteBuffer(), limits: EventLimits()
            )
        }
        let (log, _) = try self.open()
        try log.commit(Self.changes(events.enumerated().map { Self.stored(UInt64($0.offset) + 1, $0.element) }))
        let read = try log.page(of: "out", after: .start, atMost: 100).events.map(\.event)
        #expect(read.map { Array($0.subject.utf8) } == texts.map { Array($0.utf8) })
        #expect(read.map { Array($0.attributes["x"]!.utf8) } == texts.map { Array($0.utf8) })
    }

    @Test func `a body that is the event itself is kept once`() throws {
        let plain = Self.event("own")
        let native = Event(
            id: plain.id, title: nil, message: plain.message, priority: nil, tags: [], timestamp: plain.timestamp, payload: nil,
            source: "in", subject: "a/b", attributes: Attributes(), raw: plain.json, provenance: plain.provenance,
            limits: EventLimits()
        )
        let (log, _) = try self.open()
        try log.commit(Self.changes([Self.stored(1, native)]))
        #expect(try log.page(of: "out", after: .start, atMost: 1).events.map(\.event.raw) == [plain.json])
        let kept = try SQLiteConnection(path: self.path, creates: false).integer("SELECT raw FROM events")
        #expect(kept == 1)
    }

    @Test func `what routes made of an event goes to the sinks it was made for`() throws {
        let (log, _) = try self.open(["plain", "changed"])
        var stored = Self.stored(1, Self.event("e"))
        stored.copies = [Self.event("copy one"), Self.event("copy two")]
        stored.targets = [
            StoredEvent.Target(sink: "plain", route: "a", variant: 0, copy: -1),
            StoredEvent.Target(
                sink: "changed", route: "b", variant: 2, copy: 1, key: DedupeKey(route: "b", key: "k\"ey", window: .seconds(5))),
        ]
        try log.commit(Self.changes([stored]))
        let read = try #require(try log.page(of: "changed", after: .start, atMost: 1).events.first)
        #expect(read.targets == stored.targets)
        #expect(read.targets[1].key?.window == .seconds(5))
        #expect(read.event(for: read.targets[0]).message == "e")
        #expect(read.event(for: read.targets[1]).message == "copy two")
    }

    @Test func `a page has what the sink is owed, in order, and says how far it has looked`() throws {
        let (log, _) = try self.open(["a", "b"])
        try log.commit(Self.changes((1...10).map { Self.stored($0, Self.event("\($0)"), to: $0 % 3 == 0 ? ["a", "b"] : ["a"]) }))
        let first = try log.page(of: "b", after: .start, atMost: 2)
        #expect(first.events.map(\.event.id) == ["3", "6"])
        #expect(first.through == Position(6))
        let rest = try log.page(of: "b", after: first.through, atMost: 2)
        #expect(rest.events.map(\.event.id) == ["9"])
        #expect(rest.through == Position(10))
        #expect(try log.page(of: "b", after: rest.through, atMost: 2).events.isEmpty)
    }

    @Test func `a page has few large events`() throws {
        let (log, _) = try self.open()
        let raw = ByteBuffer(repeating: 0x78, count: 3 << 20)
        try log.commit(Self.changes((1...4).map { Self.stored($0, Self.event("\($0)", raw: $0 < 4 ? raw : nil)) }))
        var pages: [[UInt64]] = []
        var through = Position.start
        while through < Position(4) {
            let page = try log.page(of: "out", after: through, atMost: 100)
            pages.append(page.events.map(\.position.rawValue))
            through = page.through
        }
        #expect(pages == [[1, 2, 3], [4]])
    }

    @Test func `a log that is opened again knows what each sink is owed`() throws {
        do {
            let (log, contents) = try self.open(["a", "b", "c"])
            #expect(contents.head == .start)
            #expect(contents.sinks["a"]?.count == 0)
            try log.commit(
                Self.changes((1...10).map { Self.stored($0, Self.event("\($0)"), to: ["a", "b", "c"]) }) { changes in
                    changes.sinks = [
                        SinkMark(sink: "a", position: Position(4), ahead: [Position(6), Position(9)]),
                        SinkMark(sink: "b", position: Position(10)),
                    ]
                    changes.cursors = ["in": "17-0", "other": "x"]
                })
            try log.commit(Self.changes { $0.cursors = ["in": "18-0"] })
        }
        let (_, contents) = try self.open(["a", "b", "new"])
        #expect(contents.head == Position(10))
        #expect(contents.sinks["a"]?.mark == SinkMark(sink: "a", position: Position(4), ahead: [Position(6), Position(9)]))
        #expect(contents.sinks["a"]?.count == 4)
        #expect(contents.sinks["b"]?.count == 0)
        #expect(contents.sinks["new"]?.mark.position == Position(10))
        #expect(contents.orphans == ["c": 10])
        #expect(contents.cursors == ["in": "18-0", "other": "x"])
        let weight = try #require(contents.sinks["a"]?.weight)
        #expect(weight == [5, 7, 8, 10].reduce(0) { $0 + Self.event("\($1)").weight })
    }

    @Test func `the latest repeat keys of each source come back in order`() throws {
        do {
            let (log, _) = try self.open()
            try log.commit(
                Self.changes(
                    (1...3).map { (number: UInt64) in
                        var stored = Self.stored(number, Self.event("\(number)"))
                        stored.repeatKey = .max - UInt64(number)
                        return stored
                    }))
        }
        #expect(try self.open().contents.repeatKeys == ["in": [.max - 1, .max - 2, .max - 3]])
    }

    @Test func `cursors come back with the time when one was last written`() throws {
        let before = Timestamp.now()
        do {
            let (log, contents) = try self.open()
            #expect(contents.cursorsWritten == nil)
            try log.commit(Self.changes { $0.cursors = ["in": "7"] })
            try log.commit(Self.changes([Self.stored(1, Self.event("e"))]))
        }
        let contents = try self.open().contents
        #expect(contents.cursors == ["in": "7"])
        let written = try #require(contents.cursorsWritten)
        #expect(written >= before && written <= .now())
    }

    @Test func `what a log that the file no longer names still holds is found`() throws {
        #expect(try AbandonedLog.find(at: self.path) == nil)
        do {
            let (log, _) = try self.open(["a", "b"])
            #expect(try AbandonedLog.find(at: self.path) == nil, "a program runs with it")
            let letter = StoredDeadLetter(
                id: 1, time: .now(), sink: "a", route: "all", reason: "r", attempts: 1, target: nil, event: Self.event("e"),
                position: Position(1)
            )
            let events = (1...3).map { Self.stored(UInt64($0), Self.event("\($0)"), to: ["a", "b"]) }
            try log.commit(
                Self.changes(events) {
                    $0.letters = [.keep(letter)]
                    $0.sinks = [SinkMark(sink: "a", position: Position(2)), SinkMark(sink: "b", position: Position(3))]
                }
            )
        }
        #expect(try AbandonedLog.find(at: self.path) == AbandonedLog(undelivered: 1, letters: 1))
        #expect(try AbandonedLog.find(at: self.path, besides: self.path) == nil)
        #expect(try self.open(["a", "b"]).contents.sinks["a"]?.count == 1, "it is as it was")
        try self.directory.write("something else", to: "other")
        #expect(throws: LogError.self) { try AbandonedLog.find(at: self.directory.file("other")) }
        do {
            let (log, _) = try self.open(["a", "b"])
            try log.commit(
                Self.changes {
                    $0.letters = [.forget(1)]; $0.sinks = [SinkMark(sink: "a", position: Position(3))]
                })
        }
        #expect(try AbandonedLog.find(at: self.path) == nil, "nobody waits for anything")
    }

    @Test func `keys of dedupe come back until they expire`() throws {
        let now = Timestamp.now()
        do {
            let (log, _) = try self.open()
            try log.commit(
                Self.changes {
                    $0.keys = [
                        DeliveredKey(sink: "out", key: "route\u{0}old", expires: Timestamp(milliseconds: now.milliseconds - 1)),
                        DeliveredKey(
                            sink: "out", key: "route\u{0}new", expires: Timestamp(milliseconds: now.milliseconds + 60_000)),
                    ]
                })
        }
        #expect(try self.open().contents.keys.map(\.key) == ["route\u{0}new"])
    }

    // MARK: Numbers

    @Test func `a history has the numbers under which it was published, whatever was removed since`() throws {
        let (log, _) = try self.open(["s"], events: 0)
        try log.commit(
            Self.changes((1...10).map { Self.stored($0, Self.event("\($0)"), to: ["s"]) }) { changes in
                changes.numbers = [
                    NumberedRun(sink: "s", first: Position(1), last: Position(4), count: 4, sequence: 101),
                    NumberedRun(sink: "s", first: Position(5), last: Position(10), count: 6, sequence: 201),
                ]
                changes.sinks = [SinkMark(sink: "s", position: Position(10))]
            })
        let all = try log.history(of: "s", atMost: 100)
        #expect(all.events.map(\.sequence) == Array(101...104) + Array(201...206))
        #expect(all.events.map(\.event.id) == (1...10).map(String.init))
        #expect(all.forgotten == 0)
        let last = try log.history(of: "s", atMost: 3)
        #expect(last.events.map(\.sequence) == [204, 205, 206])
        #expect(last.forgotten == 203)
    }

    /// A dead letter for a stream.
    private static func letter(_ position: UInt64) -> StoredEvent {
        let letter = DeadLetter(reason: "r", sink: "other", route: "all", attempts: 1)
        return Self.stored(position, letter.event(of: Self.event("x\(position)")), to: ["s"])
    }

    @Test func `letters that were published are in the history under their numbers`() throws {
        let (log, _) = try self.open(["s"])
        let events = [1, 2, 3, 5].map { Self.stored($0, Self.event("\($0)"), to: $0 == 3 ? ["other"] : ["s"]) }
        try log.commit(
            Self.changes(events + [Self.letter(4), Self.letter(6)]) { changes in
                changes.numbers = [NumberedRun(sink: "s", first: Position(1), last: Position(6), count: 5, sequence: 101)]
            })
        let all = try log.history(of: "s", atMost: 100)
        #expect(all.events.map(\.sequence) == Array(101...105))
        #expect(all.events.map(\.event.id) == ["1", "2", "x4", "5", "x6"])
        #expect(all.events.map { $0.event.kind == .deadLetter } == [false, false, true, false, true])
        #expect(all.forgotten == 0)
        #expect(try log.history(of: "s", atMost: 3).events.map(\.sequence) == [103, 104, 105])
        #expect(try log.history(of: "s", atMost: 3).forgotten == 102)
        #expect(try log.history(of: "s", atMost: 0).forgotten == 105)
        #expect(try Self.forgotten(of: "new", in: self) == 105)
    }

    /// What a sink has forgotten that the log has just come to know.
    private static func forgotten(of sink: String, in tests: SQLiteLogTests) throws -> UInt64 {
        let copy = tests.directory.file("copy.db")
        try SQLiteConnection(path: tests.path, creates: false).execute("VACUUM INTO '\(copy)'")
        let (log, _) = try SQLiteLog.open(DurableLogSettings(path: copy), bridge: "here", sinks: [sink])
        return try log.history(of: sink, atMost: 10).forgotten
    }

    @Test func `a published letter is forgotten with what was published before it, and not before`() throws {
        let (log, _) = try self.open(["s"], events: 10)
        let events = (1...9002).map { (position: UInt64) in
            [4901, 9002].contains(position) ? Self.letter(position) : Self.stored(position, Self.event("\(position)"), to: ["s"])
        }
        try log.commit(
            Self.changes(events) { changes in
                changes.numbers = [
                    NumberedRun(sink: "s", first: Position(1), last: Position(4901), count: 4901, sequence: 1),
                    NumberedRun(sink: "s", first: Position(4902), last: Position(9002), count: 4101, sequence: 4902),
                ]
            })
        while try log.trim(before: Position(4800)) {}
        var history = try log.history(of: "s", atMost: 100_000)
        #expect(history.forgotten == 4799)
        #expect(history.events.map(\.sequence) == Array(4800...9002))
        while try log.trim(before: Position(9003)) {}
        history = try log.history(of: "s", atMost: 100_000)
        #expect(history.forgotten == 4906)
        #expect(history.events.map(\.sequence) == Array(4907...9002))
        #expect(history.events.last?.event.kind == .deadLetter)
    }

    @Test func `a sink that the log does not know has forgotten what was numbered before it came`() throws {
        do {
            let (log, _) = try self.open(["s"])
            #expect(try log.history(of: "s", atMost: 10).forgotten == 0, "nothing was")
            try log.commit(
                Self.changes([Self.stored(1, Self.event("1"), to: ["s"])]) {
                    $0.numbers = [NumberedRun(sink: "s", first: Position(1), last: Position(1), count: 1, sequence: 41)]
                })
        }
        let (log, _) = try self.open(["renamed"])
        #expect(try log.history(of: "renamed", atMost: 10).forgotten == 41)
        #expect(try log.history(of: "s", atMost: 10).forgotten == 0)
    }

    // MARK: Trimming

    @Test func `trimming keeps what is owed, and what a peer may send again`() throws {
        let (log, _) = try self.open(["s"], events: 10)
        try log.commit(Self.changes((1...9000).map { Self.stored($0, Self.event("\($0)"), to: ["s"]) }))
        #expect(try !log.trim(before: Position(1)))
        _ = try log.trim(before: Position(3001))
        #expect(try log.page(of: "s", after: .start, atMost: 1).events.first?.position == Position(3001))
        while try log.trim(before: Position(9001)) {}
        #expect(try log.page(of: "s", after: .start, atMost: 1).events.first?.position == Position(9000 - 4096 + 1))
    }

    @Test func `trimming removes what is too old`() throws {
        let (log, _) = try self.open(["s"], age: .zero)
        let old = (1...5000).map { number in
            var stored = Self.stored(UInt64(number), Self.event("\(number)"), to: ["s"])
            stored.accepted = Timestamp(milliseconds: 1000)
            return stored
        }
        try log.commit(Self.changes(old))
        while try log.trim(before: Position(5001)) {}
        #expect(try log.page(of: "s", after: .start, atMost: 1).events.first?.position == Position(5000 - 4096 + 1))
    }

    // MARK: Dead letters

    @Test func `a dead letter is kept whole, replayed when an operator wishes, and removed when it is delivered`() throws {
        let letter = StoredDeadLetter(
            id: 3, time: Timestamp(milliseconds: 1000), sink: "out", route: "all", reason: "the answer was 404", attempts: 2,
            target: nil, event: Self.event("e", payload: "{\"a\":1}"), position: Position(1)
        )
        let (log, _) = try self.open()
        try log.commit(Self.changes { $0.letters = [.keep(letter)] })
        let file = try DeadLetterInspector(path: self.path, sinks: ["out"])
        let read = try #require(try file.letters(.init()).letters.first)
        #expect(read.reason == letter.reason)
        #expect(read.attempts == 2)
        #expect(read.event.json == letter.event.json)
        #expect(try file.letters(.init(sink: "other")).letters.isEmpty)
        #expect(try log.replays().letters.isEmpty)
        #expect(try file.replay(.init(ids: [99])).done == 0)
        #expect(try file.replay(.init(ids: [3])).done == 1)
        #expect(try log.replays().letters.map(\.id) == [3])
        #expect(try log.replays().letters.isEmpty, "it is on its way")
        try log.commit(Self.changes { $0.letters = [.forget(3)] })
        #expect(try file.letters(.init()).letters.isEmpty)
    }

    @Test func `a letter that was on its way when the program ended is sent once more`() throws {
        let letter = StoredDeadLetter(
            id: 1, time: .now(), sink: "out", route: "all", reason: "r", attempts: 1, target: nil, event: Self.event("e"),
            position: Position(1)
        )
        do {
            let (log, _) = try self.open()
            try log.commit(Self.changes { $0.letters = [.keep(letter)] })
            #expect(try DeadLetterInspector(path: self.path, sinks: ["out"]).replay(.init()).done == 1)
            #expect(try log.replays().letters.count == 1)
        }
        let (log, contents) = try self.open()
        #expect(contents.lastDeadLetter == 1)
        #expect(try log.replays().letters.map(\.id) == [1])
    }

    // MARK: Changes

    @Test func `a log of an older version is brought to today's, and goes on`() throws {
        let insert = OlderLog.insertEvent(1, "old", to: "out")
        try OlderLog.create(at: self.path, version: 1, "\(insert) INSERT INTO sinks (name, position) VALUES ('out', 0)")
        let (log, contents) = try self.open()
        #expect(contents.sinks["out"]?.count == 1)
        #expect(try log.page(of: "out", after: .start, atMost: 1).events.map(\.event.id) == ["old"])
        let version = try SQLiteConnection(path: self.path, creates: false).integer("PRAGMA user_version")
        #expect(version == 9)
    }

    @Test func `a group that cannot be written is written by the next try, whole`() throws {
        let (log, _) = try self.open()
        let twice = [Self.stored(1, Self.event("a")), Self.stored(1, Self.event("b"))]
        #expect(throws: LogError.self) { try log.commit(Self.changes(twice)) }
        #expect(try log.page(of: "out", after: .start, atMost: 9).events.isEmpty)
        try log.commit(Self.changes([Self.stored(1, Self.event("a"))]))
        #expect(try log.page(of: "out", after: .start, atMost: 9).events.map(\.event.id) == ["a"])
    }

    // MARK: Sinks that come and go while the program runs

    @Test func `a sink that comes back has what was pending, and not what it had confirmed`() throws {
        let (log, _) = try self.open(["out", "away"])
        defer { log.close() }
        try log.commit(
            Self.changes((1...4).map { Self.stored($0, Self.event("e\($0)"), to: ["out", "away"]) }) {
                $0.sinks = [SinkMark(sink: "away", position: Position(1), ahead: [Position(3)])]
            })
        try log.release(sink: "away")
        // While it is away, events are for the others only.
        try log.commit(Self.changes([Self.stored(5, Self.event("e5"))]))
        let adopted = try log.adopt(sink: "away")
        #expect(adopted.owed.count == 2)
        #expect(adopted.owed.mark.position == Position(1) && adopted.owed.mark.ahead == [Position(3)])
        #expect(try log.page(of: "away", after: Position(1), atMost: 10).events.map(\.event.id) == ["e2", "e3", "e4"])
        log.adopted(sink: "away")
    }

    @Test func `a sink that the log does not know begins behind the last event`() throws {
        let (log, _) = try self.open()
        defer { log.close() }
        try log.commit(Self.changes((1...3).map { Self.stored($0, Self.event("e\($0)")) }))
        let adopted = try log.adopt(sink: "new")
        #expect(adopted.owed.count == 0 && adopted.owed.mark.position == Position(3) && adopted.keys.isEmpty)
    }

    @Test func `what is pending for a released sink stays until it is too old or the sink is back`() throws {
        let (log, _) = try self.open(["out", "away"], events: 1)
        defer { log.close() }
        // The log keeps the last 4096 events in any case.
        let events = (1...4200).map { Self.stored($0, Self.event("e\($0)"), to: $0 == 2 ? ["out", "away"] : ["out"]) }
        try log.commit(Self.changes(events) { $0.sinks = [SinkMark(sink: "away", position: .start)] })
        func left() throws -> [String] { try log.page(of: "away", after: .start, atMost: 10).events.map(\.event.id) }
        try log.release(sink: "away")
        while try log.trim(before: Position(4201)) {}
        #expect(try left() == ["e2"])
        // The sink takes it, so that the caller may remove it.
        log.adopted(sink: "away")
        while try log.trim(before: Position(4201)) {}
        #expect(try left().isEmpty)
    }
}
