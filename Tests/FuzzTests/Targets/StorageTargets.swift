import JSON
import Logging
import NIOCore
import NIOEmbedded
import Synchronization

@testable import BridgeCore
@testable import FileAdapter
@testable import MQTTAdapter
@testable import RedisAdapter
@testable import SQLiteLog
@testable import SSEAdapter

extension FuzzTarget {
    /// Rows of the log on disk: read as an event, or reported as unreadable; what was read is written and read alike.
    static let logRows = FuzzTarget(
        "log-rows",
        seeds: [
            "[[\"out\",\"r\",0,-1],[\"b\",\"#1@00000000000000ff\",1,0,\"key\",60000]]\u{0}[]",
            "[[\"a\",\"b\",1e300,0]]\u{0}[[\"n\",\"v\"]]", "[[\"a\",\"b\",null,{}]]\u{0}[\"o\",\"3\",null]",
            "[[1]]\u{0}[null,\"x\",\"t\"]",
            "{\"id\":\"a\",\"title\":\"t\",\"message\":\"m\",\"priority\":3,\"tags\":[\"x\"],\"timestamp\":\"2026-01-15T10:00:00.000Z\",\"payload\":{\"a\":1}}\u{0}a\t{}",
            "route#00000000000000aa@00000000000000bb", "a\u{301}#00000000000000aa",
        ],
        words: [
            "[[\"", "\",\"", "\"]]", ",0,-1", "#00000000000000aa", "@00000000000000bb", "1e400", "-1", "\"id\":\"", "null", "\t",
            "\n",
        ]
    ) { bytes in
        let (text, other) = FuzzInput(bytes).pair
        let rows = EventRows(bridge: "b")
        if let targets = rows.targets(text) {
            let written = rows.text(of: targets)
            try FuzzFailure.unless(
                EventRows(bridge: "b").targets(written) == targets, "targets are written as \(written)")
        }
        let route = StoredRoute(text: text)
        try FuzzFailure.unless(StoredRoute(text: route.text) == route, "a route is written as \(route.text)")
        for (json, attributes, provenance) in [
            (text, nil, other), (text, other, nil), (Self.event, text, other), (Self.event, other, text), (other, nil, nil),
        ] as [(String, String?, String?)] {
            let columns = EventColumns(
                source: other, subject: text, json: ByteBuffer(string: json), raw: .payload, attributes: attributes,
                provenance: provenance, kind: 0)
            guard let event = rows.event(columns) else { continue }
            let parser = JSONParser(levels: EventColumns.levels)
            guard let again = EventColumns(event, bridge: "b").event(bridge: "b", parser: parser) else {
                throw FuzzFailure("an event that was read cannot be read again: \(json)")
            }
            try FuzzFailure.unless(
                again.id.utf8.elementsEqual(event.id.utf8) && again.json == event.json && again.attributes == event.attributes
                    && again.provenance == event.provenance && again.timestamp == event.timestamp && again.tags == event.tags,
                "an event is another when it is read again: \(json)")
            if let copies = rows.copies(other, of: event, columns) {
                try FuzzFailure.unless(!copies.isEmpty, "a column of copies has none")
            }
        }
    }

    private static let event =
        "{\"id\":\"a\",\"message\":\"m\",\"tags\":[],\"timestamp\":\"2026-01-15T10:00:00.000Z\"}"

    /// Cursors: a file that was cut off, or is another program's, is read as some place or as none.
    static let cursors = FuzzTarget(
        "cursors",
        seeds: [
            "1:5:ff:a:/path", "12:0", "1234 99\nid", "retained 0 5 AAAAAAAAAAAAAAAAAAAAAAAA",
            "session 5 7 counting at-most-once\n= 1,all,0 a/#\n? - b",
            "lost-18446744073709551615", "abc-1", "0123456789abcdef -9223372036854775808", "1526919030474-55 s g", "a/b\nc",
            "18446744073709551615-18446744073709551615",
        ],
        words: [
            ":", "-", "\n", " ", "session ", "retained ", "counting", "at-most-once", "18446744073709551615",
            "-9223372036854775808",
        ]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let cursor = FileCursor(text) {
            try FuzzFailure.unless(FileCursor(cursor.text) == cursor && cursor.offset >= 0, "\(text) is kept as \(cursor.text)")
        }
        if let point = SSEResumePoint(text, stream: 5) {
            let again = SSEResumePoint(point.text(stream: 5), stream: 5)
            try FuzzFailure.unless(again?.id.utf8.elementsEqual(point.id.utf8) ?? false, "the id '\(point.id)' is not kept")
        }
        if let page = MQTTRetainedPage(text, broker: 0) {
            try FuzzFailure.unless(MQTTRetainedPage(page.text(broker: 0), broker: 0) == page, "a page of topics is not kept")
        }
        let store = FuzzCursorStore(text)
        let context = Self.context(store)
        let session = MQTTSessionMemory(
            context: context, broker: "b", clientID: "c", packets: MQTTDuplicateDetector(), hasAtMostOnce: false)
        let contents = session.contents()
        try FuzzFailure.unless(contents.granted.count <= contents.filters.count, "more is granted than is known")
        var hash = Fingerprint()
        hash.add("p")
        let seen = OfflineTracker(Self.context(FuzzCursorStore("\(hash.value.hexadecimal) \(text)")), peer: "p")
        if let period = seen.connected() {
            try FuzzFailure.unless(period.from <= period.to, "a period ends before it begins")
            _ = period.reason(for: "p")
        }
        let reservation = SSESequenceReservation(cursors: store)
        _ = reservation.whenReserved(behind: reservation.start) {}
        reservation.release(behind: reservation.start)
    }

    private static func context(_ store: FuzzCursorStore) -> ComponentContext {
        ComponentContext(
            name: "in", logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }, eventLoopGroup: EmbeddedEventLoop(),
            bridge: "b", cursors: store,
            metrics: ComponentMetrics(component: "in", kind: "mqtt", direction: "source", metrics: Metrics()),
            shared: SharedServices())
    }
}

/// Answers the same for every source.
private final class FuzzCursorStore: CursorStore {
    private let text: Mutex<String>

    init(_ text: String) { self.text = Mutex(text) }

    func cursor(of source: String) -> String? { self.text.withLock { $0 } }
    func move(_ cursor: String, of source: String) throws { self.text.withLock { $0 = cursor } }
}
