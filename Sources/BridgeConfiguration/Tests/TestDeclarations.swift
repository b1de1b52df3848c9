import BridgeCore

/// The keys of a test.
struct TestDeclaration: SettingGroup {
    var name: String?
    var start: Timestamp?

    static let settings = Settings<Self> {
        Setting("name", \.name, .text, default: "test and its number", "What the test shows, as a sentence")
        Setting("at", \.start, .time, default: "2026-01-01T12:00:00Z", "Time at which the test begins")
    }

    /// The begin of tests that name none; a constant, so that a test has the same result on every day.
    static let standardStart = Timestamp(milliseconds: 1_767_268_800_000)

    /// The keys of a test with those that the reader reads itself.
    static let all =
        Self.settings.declarations + [
            SettingDeclaration(
                name: "send", type: .list(.mapping(.json)), presence: .required,
                summary: "Messages in order: each has a source, the keys of its kind such as topic or headers, and a body"),
            SettingDeclaration(
                name: "expect", type: .mapping(.json), presence: .required,
                summary: "For each sink the events that it gets, [] for none, or their number"),
        ]
}

/// The keys that every message of a test has.
struct MessageDeclaration: SettingGroup {
    var source: String?
    var after: Duration?
    var time: Timestamp?
    var body: PlainValue?
    var bodyFile: String?
    var base64: [UInt8]?

    static let settings = Settings<Self> {
        Setting("source", \.source, .text("name of a source"), default: "the only source", "Source that receives the message")
        Setting("after", \.after, .duration, "Time since the message before")
        Setting("at", \.time, .time, "Time of the message")
            .excluding("after", else: "at and after exclude each other; leave one out")
        Setting("body", \.body, .value(.json), "Body: a mapping or a list is JSON, a text is as it is")
        Setting("body_file", \.bodyFile, .path, "File with the body, from the folder of the tests")
            .excluding("body", "body_base64", else: "a message has one body; leave the others out")
        Setting("body_base64", \.base64, .base64, "Body that is not text, in base64")
            .excluding("body", else: "a message has one body; leave the others out")
    }
}

extension SettingCodec where Value == Timestamp {
    /// A time with its offset.
    fileprivate static var time: Self {
        SettingCodec<String>.text("time").map { text in
            guard let time = Timestamp(rfc3339: text) else {
                throw SettingError("'\(text)' is not a time with its offset; write one such as 2026-01-01T08:00:00+01:00")
            }
            return time
        }
    }
}

extension SettingCodec where Value == [UInt8] {
    /// Bytes in base64.
    fileprivate static var base64: Self {
        SettingCodec<String>.text("base64").map { text in
            guard let bytes = Base64.bytes(text.utf8.filter { $0 > 0x20 }, .either) else { throw SettingError("is not base64") }
            return bytes
        }
    }
}
