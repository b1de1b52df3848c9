import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// Everything that can be written can be read, and what another hand has damaged does not keep the rest.
struct UnreadableRowTests {
    private let directory: TemporaryDirectory
    private var path: String { self.directory.file("events.db") }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open() throws -> (log: SQLiteLog, contents: LogContents) {
        try SQLiteLog.open(DurableLogSettings(path: self.path), bridge: "here", sinks: ["out", "letters"])
    }

    private func letters() throws -> DeadLetterInspector { try DeadLetterInspector(path: self.path, sinks: ["out", "letters"]) }

    private func damage(_ sql: String) throws {
        try SQLiteConnection(path: self.path, creates: false).execute(sql)
    }

    private static func event(_ body: ByteBuffer, type: String? = nil, subject: String = "a/b") -> Event {
        let normaliser = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "here")
        let message = ReceivedMessage(
            subject: subject, body: body, contentType: type, attributes: Attributes([("x\u{0}y", "\u{FEFF}\t\u{2028}")]))
        return normaliser.event(from: message, now: Timestamp(milliseconds: 1_700_000_000_123)).event
    }

    private static func stored(_ position: UInt64, _ event: Event, to sinks: [String] = ["out"]) -> StoredEvent {
        StoredEvent(
            position: Position(position), accepted: .now(), event: event,
            targets: sinks.map { StoredEvent.Target(sink: $0, route: "all", variant: 0, copy: -1) }
        )
    }

    private static func write(_ events: [StoredEvent], letters: [StoredDeadLetter] = [], to log: SQLiteLog) throws {
        var changes = LogChanges()
        changes.events = events
        changes.letters = letters.map { .keep($0) }
        try log.commit(changes)
    }

    private static func letter(_ id: Int64, _ event: Event, target: String? = nil) -> StoredDeadLetter {
        StoredDeadLetter(
            id: id, time: .now(), sink: "out", route: "all", reason: "it is wrong", attempts: 2, target: target, event: event,
            position: Position(UInt64(id))
        )
    }

    private static func plain(_ id: String) -> Event {
        Self.event(ByteBuffer(string: "{\"id\":\"\(id)\",\"message\":\"\(id)\"}"))
    }

    // MARK: What the intake makes

    @Test func `what is nested as deep as the intake takes it comes back, as an event and as a dead letter`() throws {
        let (log, _) = try self.open()
        let shapes: [(String, String)] = [("[", "]"), (#"{"a":"#, "}"), (#"[{"message":"m","payload":"#, "}]")]
        var events: [Event] = []
        for (open, close) in shapes {
            for depth in 200...520 {
                let text = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
                events.append(Self.event(ByteBuffer(string: text)))
                let native = #"{"id":"i","message":"m","timestamp":"2026-01-15T10:00:00.000Z","payload":\#(text)}"#
                events.append(Self.event(ByteBuffer(string: native)))
            }
        }
        #expect(events.contains { $0.payload?.readableBytesView.first == UInt8(ascii: "[") && $0.json.readableBytes > 1100 })
        let stored = events.enumerated().map { index, event in
            var stored = Self.stored(UInt64(index) + 1, event)
            stored.copies = [event]
            return stored
        }
        let letters = events.enumerated().map { Self.letter(Int64($0.offset) + 1, $0.element, target: "letters") }
        try Self.write(stored, letters: letters, to: log)
        var read: [StoredEvent] = []
        while read.count < events.count {
            let page = try log.page(of: "out", after: read.last?.position ?? .start, atMost: 10_000)
            #expect(page.unreadable.isEmpty)
            if page.events.isEmpty { break }
            read += page.events
        }
        #expect(read.map(\.event.json) == events.map(\.json))
        #expect(read.map(\.event.payload) == events.map(\.payload))
        #expect(read.allSatisfy { $0.copies.first?.json == $0.event.json })
        let found = try self.letters().letters(.init())
        #expect(found.unreadable.isEmpty)
        #expect(found.letters.map(\.event.json) == events.map(\.json))
    }

    @Test func `whatever bodies the intake takes, its events come back`() throws {
        let (log, _) = try self.open()
        let mark = "\u{FEFF}"
        let head = #"{"id":"i","title":"","message":"m","timestamp":"2026-01-15T10:00:00.000Z","payload":"#
        let texts = [
            "", " ", "null", "[]", "{}", "{ \"a\" : 1 }\r\n", "[1,\r\n\t2]", "\u{0}", "\t", mark + "{\"a\":1}", mark + "[1]",
            mark,
            head + mark + "{\"a\":1}}", head + "null}", head + "1,\"payload\":2}", head + "{\"a\":1} }",
            #"{"message":"m","p\u0061yload":{"a":1}}"#, #"{"message":"m","message":"n"}"#,
            #"{"message":"m","payload":1,"payload":2}"#,
            #"{"message":"m","title":null}"#, #"{"message":"m","priority":1e400,"tags":"a,,b"}"#, #"{"message":"\ud800"}"#,
            #"{"message":"\u0000\u2028","title":"\u0000"}"#, "[1e400,-1e400,1e-400,-0,0.10,1E5,12345678901234567890123]",
            "{\"\":{\"\":\"\"},\"a\":1,\"a\":2}", "\"text\"", "12345678901234567890123", "1e999", "-1e-999",
            "[\"" + String(repeating: "x", count: 300_000) + "\"]", String(repeating: "\u{7}\u{1F600}", count: 5000),
            #"{"message":"m","timestamp":"9999-12-31T23:59:59.999Z","id":"i"}"#,
            #"{"message":"m","timestamp":-62167219200,"id":"i"}"#,
        ]
        var bodies = texts.map { ByteBuffer(string: $0) }
        bodies += [[0xFF], [0x22, 0xC3, 0x28, 0x22], [0xED, 0xA0, 0x80], [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]].map {
            ByteBuffer(bytes: $0)
        }
        let subjects = ["a/b", "", " ", "\u{FEFF}", "a\tb\nc", "\u{301}", "\u{10FFFF}", String(repeating: "/", count: 70_000)]
        var events: [Event] = []
        for body in bodies {
            for type in [nil, "application/json", "text/plain"] { events.append(Self.event(body, type: type)) }
        }
        events += subjects.map { Self.event(ByteBuffer(string: "x"), subject: $0) }
        let stored = events.enumerated().map { index, event in
            var stored = Self.stored(UInt64(index) + 1, event)
            stored.copies = [event, event]
            return stored
        }
        try Self.write(stored, to: log)
        let page = try log.page(of: "out", after: .start, atMost: 10_000)
        for row in page.unreadable { Issue.record("\(String(buffer: events[Int(row.position.rawValue) - 1].json).prefix(200))") }
        #expect(page.events.map(\.event.json) == events.map(\.json))
        #expect(page.events.map(\.event.subject) == events.map(\.subject))
        #expect(page.events.map(\.event.message) == events.map(\.message))
        #expect(page.events.map(\.event.payload) == events.map(\.payload))
        #expect(page.events.map(\.event.raw) == events.map(\.raw))
        #expect(page.events.allSatisfy { $0.event.attributes == events[Int($0.position.rawValue) - 1].attributes })
        #expect(page.events.allSatisfy { $0.copies.map(\.json) == [$0.event.json, $0.event.json] })
    }

    // MARK: What another hand has damaged

    @Test(arguments: ["event = '{'", "attributes = 'x'", "passage = '[1]'", "copies = 'x'", "targets = '[[\"out\",'"])
    func `a row that is no event is passed over, and the rest of the page is read`(damage: String) throws {
        let (log, _) = try self.open()
        try Self.write((1...5).map { Self.stored($0, Self.plain("\($0)")) }, to: log)
        try self.damage("UPDATE events SET \(damage) WHERE position IN (2, 5)")
        let page = try log.page(of: "out", after: .start, atMost: 100)
        #expect(page.events.map(\.event.id) == ["1", "3", "4"])
        #expect(page.unreadable.map(\.position) == [Position(2), Position(5)])
        let deliveries = damage.hasPrefix("targets") ? 0 : 1
        #expect(page.unreadable.allSatisfy { $0.deliveries == deliveries && $0.weight == Self.plain("2").weight })
        #expect(page.through == Position(5))
        #expect(try log.page(of: "out", after: .start, atMost: 2).through == Position(2), "a page ends at any row")
        let kept = try SQLiteConnection(path: self.path, creates: false).integer("SELECT count(*) FROM events")
        #expect(kept == 5)
    }

    @Test func `a history without a row that nobody can read says that it is gone, and keeps the numbers of the others`() throws {
        let (log, _) = try self.open()
        var changes = LogChanges()
        changes.events = (1...5).map { Self.stored($0, Self.plain("\($0)")) }
        changes.numbers = [NumberedRun(sink: "out", first: Position(1), last: Position(5), count: 5, sequence: 11)]
        try log.commit(changes)
        for damage in ["event = '{'", "targets = '[[\"out\",'"] {
            try self.damage("UPDATE events SET \(damage) WHERE position = 3")
            let history = try log.history(of: "out", atMost: 100)
            #expect(history.events.map(\.sequence) == [14, 15])
            #expect(history.events.map(\.event.id) == ["4", "5"])
            #expect(history.forgotten == 13)
            #expect(history.unreadable == [Position(3)])
        }
    }

    @Test func `numbers that no log writes do not keep the program from starting`() throws {
        do {
            let (log, _) = try self.open()
            var changes = LogChanges()
            changes.events = (1...3).map { Self.stored($0, Self.plain("\($0)")) }
            changes.numbers = [NumberedRun(sink: "out", first: Position(1), last: Position(3), count: 3, sequence: 11)]
            changes.letters = [.keep(Self.letter(1, Self.plain("one"), target: "letters"))]
            try log.commit(changes)
        }
        try self.damage(
            #"UPDATE events SET targets = '[["out","all",1e300,-1e300,"key",1e300]]', accepted = 1 << 63 WHERE position = 2"#)
        try self.damage("UPDATE events SET targets = '[[\"out\",\"all\",null,{}]]', weight = -5 WHERE position = 3")
        try self.damage("UPDATE sinks SET position = -7, ahead = '[-1,1e300,\"x\",18446744073709551615]', forgotten = -1")
        try self.damage("UPDATE dead_letters SET position = -9, time = 1 << 63, attempts = -1")
        let (log, contents) = try self.open()
        #expect(contents.sinks["out"]?.mark.position == .start)
        #expect(try self.letters().letters(.init()).letters.map(\.position) == [.start])
        #expect(try log.page(of: "out", after: .start, atMost: 100).events.map(\.event.id) == ["1", "2", "3"])
        for damage in ["sequence = -1", "sequence = 0x7fffffffffffffff", "sequence = 1, count = -3"] {
            try self.damage("UPDATE numbers SET \(damage)")
            #expect(try log.history(of: "out", atMost: 100).events.isEmpty, "\(damage)")
        }
    }

    @Test func `a dead letter that cannot be read keeps no program from starting, is listed, and can only be dropped`() throws {
        do {
            let (log, _) = try self.open()
            var records = [1, 2].map { Self.stored($0, Self.plain("\($0)"), to: ["letters"]) }
            for index in records.indices { records[index].letter = Int64(index) + 1 }
            try Self.write(
                records,
                letters: [
                    Self.letter(1, Self.plain("one"), target: "letters"), Self.letter(2, Self.plain("two"), target: "letters"),
                    Self.letter(3, Self.plain("three")), Self.letter(4, Self.plain("four")),
                ], to: log)
            try self.damage("UPDATE dead_letters SET event = '{' WHERE id IN (1, 3)")
        }
        let (log, contents) = try self.open()
        #expect(contents.sinks["letters"]?.count == 2)
        // Their records are whole until one of them is damaged too.
        #expect(try log.page(of: "letters", after: .start, atMost: 9).events.map(\.letter) == [1, 2])
        try self.damage("UPDATE events SET event = '{' WHERE position = 1")
        let page = try log.page(of: "letters", after: .start, atMost: 9)
        #expect(page.events.map(\.letter) == [2])
        #expect(page.unreadable.map(\.letter) == [1])
        var changes = LogChanges()
        changes.letters = [.hold(1)]
        try log.commit(changes)
        let found = try self.letters().letters(.init())
        #expect(found.letters.map(\.id) == [2, 4])
        #expect(found.unreadable == [1, 3])
        var listed: [DeadLetterSummary] = []
        try self.letters().list(.init(ids: [1, 3])) { listed.append($0) }
        #expect(listed.map(\.id) == [1, 3])
        #expect(
            listed.allSatisfy { !$0.isReadable && $0.reason == "it is wrong" && $0.subject == "a/b" && $0.attempts == 2 })
        // One that was asked for before it was damaged.
        try self.damage("UPDATE dead_letters SET replay = 1 WHERE id IN (3, 4)")
        let replays = try log.replays()
        #expect(replays.letters.map(\.id) == [4])
        #expect(replays.unreadable == [3])
        #expect(try log.replays().unreadable.isEmpty, "said once")
        let refused = try self.letters().replay(.init(ids: [1, 3])).refused
        #expect(refused.map(\.reason) == Array(repeating: "is unreadable, so it cannot be delivered", count: 2))
        #expect(try self.letters().drop(.init(ids: [1, 3])).done == 2)
        #expect(try self.letters().letters(.init()).unreadable.isEmpty)
    }
}
