import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// Dead letters of logs in which they had no records of their own.
struct DeadLetterMigrationTests {
    private let directory: TemporaryDirectory
    private var path: String { self.directory.file("events.db") }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open() throws -> (log: SQLiteLog, contents: LogContents) {
        try SQLiteLog.open(DurableLogSettings(path: self.path), bridge: "here", sinks: ["out", "letters", "stream"])
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6], [false, true])
    func `dead letters that sinks are owed go on as records, and the others stay as they are`(
        version: Int, isCommandFirst: Bool
    ) throws {
        let before = Timestamp.now()
        try OlderLog.create(
            at: self.path, version: version,
            """
            \(OlderLog.insertEvent(1, "e1", to: "out")) \(OlderLog.insertEvent(2, "e2", to: "out"))
            INSERT INTO sinks (name, position) VALUES ('out', 1), ('letters', 2), ('gone', 2);
            \(OlderLog.insertLetter(1)) \(OlderLog.insertLetter(2, target: "letters")) \(OlderLog.insertLetter(3, target: "letters"))
            \(OlderLog.insertLetter(4, target: "gone")) \(OlderLog.insertLetter(5, replay: 1)) \(OlderLog.insertLetter(6, replay: 2))
            \(OlderLog.insertLetter(7, target: "letters"))
            UPDATE dead_letters SET event = '{' WHERE id = 3;
            """
        )
        if isCommandFirst { _ = try DeadLetterInspector(path: self.path, sinks: ["out", "letters"]) }
        let (log, contents) = try self.open()
        #expect(contents.head == Position(5))
        #expect(contents.sinks["out"]?.count == 1)
        #expect(contents.sinks["letters"]?.count == 2)
        #expect(contents.orphans == ["gone": 1])
        #expect(contents.lastDeadLetter == 7)
        let page = try log.page(of: "letters", after: Position(2), atMost: 9)
        #expect(page.events.map(\.position) == [Position(3), Position(5)])
        #expect(page.events.map(\.letter) == [2, 7])
        let original = OlderLog.event("e2")
        let letter = DeadLetter(reason: "it is wrong", sink: "out", route: "all", attempts: 2).event(of: original)
        let read = try #require(page.events.first)
        #expect(read.event.json == letter.json && read.event.raw == original.raw && read.event.kind == .deadLetter)
        #expect(read.event.attributes == original.attributes && read.event.provenance == original.provenance)
        #expect(read.accepted >= before, "younger events are not trimmed for its age")
        #expect(contents.sinks["letters"]?.weight == page.events.reduce(0) { $0 + $1.event.weight })
        var listed: [DeadLetterSummary] = []
        try DeadLetterInspector(path: self.path, sinks: ["out", "letters"]).list(.init()) { listed.append($0) }
        #expect(listed.map(\.id) == Array(1...7))
        #expect(listed.map(\.isReadable) == [true, true, false, true, true, true, true])
        #expect(listed.map(\.state) == [.kept, .inDelivery, .kept, .kept, .requested, .requested, .inDelivery])
        #expect(try log.replays().letters.map(\.id) == [5, 6])
    }

    @Test(arguments: [5, 6], [(3, "NULL"), (1, "'[3]'"), (1, "'['")] as [(Int, String)])
    func `what was published under numbers keeps them, and is not published again`(
        version: Int, mark: (position: Int, ahead: String)
    ) throws {
        let letter = DeadLetter(reason: "r", sink: "out", route: "all", attempts: 1)
        func numbered(_ sequence: Int, place: Int) -> String {
            let event = letter.event(of: OlderLog.event("x\(sequence)"))
            return """
                INSERT INTO numbered_letters (sink, sequence, place, time, source, subject, event, raw, attributes, passage, kind)
                VALUES ('stream', \(sequence), \(place), 3000, \(OlderLog.columns(event)));
                """
        }
        try OlderLog.create(
            at: self.path, version: version,
            """
            \(OlderLog.insertEvent(1, "e1", to: "stream")) \(OlderLog.insertEvent(2, "e2", to: "stream"))
            \(OlderLog.insertEvent(3, "e3", to: "stream"))
            INSERT INTO sinks (name, position, ahead) VALUES ('stream', \(mark.position), \(mark.ahead));
            INSERT INTO numbers (sink, first, last, count, sequence) VALUES ('stream', 1, 2, 2, 101), ('stream', 3, 3, 1, 104);
            \(numbered(103, place: 2)) \(numbered(105, place: 3))
            """
        )
        for _ in 0..<2 {
            let (log, contents) = try self.open()
            #expect(contents.head == Position(5))
            #expect(contents.sinks["stream"]?.count == (mark.position == 3 ? 0 : mark.ahead == "'[3]'" ? 1 : 2))
            #expect(contents.sinks["stream"]?.mark.ahead.suffix(2) == [Position(4), Position(5)])
            let history = try log.history(of: "stream", atMost: 100)
            #expect(history.events.map(\.sequence) == Array(101...105))
            #expect(history.events.map(\.event.id) == ["e1", "e2", "x103", "e3", "x105"])
            #expect(history.events.map { $0.event.kind == .deadLetter } == [false, false, true, false, true])
            #expect(history.events[2].event.json == letter.event(of: OlderLog.event("x103")).json)
            #expect(history.forgotten == 0 && history.unreadable.isEmpty)
            #expect(try log.history(of: "out", atMost: 9).forgotten == 105, "a sink that is new has forgotten all")
        }
    }
}
