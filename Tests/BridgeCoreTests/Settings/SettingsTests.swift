import BridgeCore
import FoundationEssentials
import Testing

/// Declared keys: how they are read, what is refused, and what is known of them without a file.
struct SettingsTests {
    enum Mode: String, CaseIterable { case fast, slow }

    struct Login: SettingGroup {
        var user = ""
        var password: Secret?

        static let settings = Settings<Self> {
            Setting(required: "user", \.user, .text, "Name")
            Setting("password", \.password, .secret, "Password").protecting()
        }

        func validate() throws {
            if self.user == "root" { throw SettingError(at: "user", because: "must not be root") }
        }
    }

    struct Rate: SettingGroup {
        var window = Duration.seconds(60)

        static let settings = Settings<Self> {
            Setting("window", \.window, .duration(in: .seconds(1) ... .seconds(3600)), "Window").perRoute()
        }
    }

    struct Sample: SettingGroup {
        var name = ""
        var mode = Mode.slow
        var size = 1 << 20
        var count: Int?
        var factor = 1.5
        var tags: [String] = []
        var logins: [Login] = []
        var headers: [String: Secret] = [:]
        var login: Login?
        var guests: [Login] = []
        var rate = Rate()

        static let settings = Settings<Self> {
            Setting(required: "name", \.name, .text.checked { $0.isEmpty ? "is empty; write one" : nil }, "Name")
            Setting("mode", \.mode, .choice, "Mode")
            Setting("size", \.size, .bytes(in: 1024...), "Size")
            Setting("count", \.count, .integer(in: 1...9), default: "no limit", "Count")
                .excluding("mode", else: "mode and count exclude each other")
            Setting("factor", \.factor, .number(in: 1...10), "Factor").needing("size", else: "needs size")
            Setting("tags", \.tags, .oneOrMore(of: .text), "Tags")
            Setting("logins", \.logins, .list(of: .group), "Logins")
            Setting("headers", \.headers, .mapping(of: .secret), "Headers")
            Setting("login", \.login, .group, "Login")
            Setting("guests", \.guests, .oneOrMore(of: .group), "Guests")
            Rate.settings.within(\.rate)
        }
    }

    private struct Holder: Decodable {
        let sample: Sample

        init(from decoder: any Decoder) throws {
            self.sample = try Sample(settings: decoder)
        }
    }

    private static func read(_ json: String) throws -> Sample {
        try decode(Holder.self, json).sample
    }

    @Test func `a key that is left out or null has the initial value of its property`() throws {
        for json in [#"{"name": "a"}"#, #"{"name": "a", "mode": null, "count": null, "login": null, "window": null}"#] {
            let sample = try Self.read(json)
            #expect(sample.name == "a" && sample.mode == .slow && sample.size == 1 << 20 && sample.count == nil)
            #expect(sample.login == nil && sample.rate.window == .seconds(60))
        }
    }

    @Test func `each key reaches its property`() throws {
        let sample = try Self.read(
            """
            {"name": "a", "size": "2KiB", "count": 3, "factor": 2, "tags": ["x", "y"], "headers": {"a": "b"}, "window": "5m",
             "logins": [{"user": "u"}, {"user": "v", "password": "p"}], "login": {"user": "w"}}
            """)
        #expect(sample.size == 2048 && sample.count == 3 && sample.factor == 2 && sample.tags == ["x", "y"])
        #expect(sample.logins.map(\.user) == ["u", "v"] && sample.logins[1].password == Secret("p"))
        #expect(sample.headers == ["a": Secret("b")] && sample.login?.user == "w" && sample.rate.window == .seconds(300))
        #expect(try Self.read(#"{"name": "a", "tags": "x"}"#).tags == ["x"])
        #expect(try Self.read(#"{"name": "a", "mode": "fast"}"#).mode == .fast)
    }

    @Test(arguments: [
        (#""naem": "x""#, "naem: unknown key 'naem'; did you mean 'name'?"),
        (
            #""zzz": 1"#,
            "zzz: unknown key 'zzz'; there are count, factor, guests, headers, login, logins, mode, name, size, tags, window"
        ),
        (#""name": """#, "name: is empty; write one"), (#""mode": "x""#, "mode: 'x' is not one of fast, slow"),
        (#""size": "1023""#, "size: 1023 bytes is too small; 1KiB or more is allowed"),
        (#""size": "1 MB""#, "size: '1 MB' is not a size; write a number and KiB, MiB or GiB, such as 1MiB"),
        (#""count": 10"#, "count: 10 is out of range; 1 to 9 is allowed"),
        (#""factor": 0.5, "size": "1KiB""#, "factor: 0.5 is out of range; 1 to 10 is allowed"),
        (#""window": "2h""#, "window: is out of range; 1s to 1h is allowed"),
        (#""window": "100000000d""#, "window: is out of range; 1s to 1h is allowed"),
        (
            #""window": "100000000 d""#,
            "window: invalid duration '100000000 d'; write a number and a unit (ms, s, m, h, d), such as 30s"
        ),
        (
            #""window": "5 min""#,
            "window: invalid duration '5 min'; write a number and a unit (ms, s, m, h, d), such as 5m"
        ),
        (#""count": 1, "mode": "fast""#, "count: mode and count exclude each other"), (#""factor": 2"#, "factor: needs size"),
        (#""login": {"user": "root"}"#, "login.user: must not be root"),
        (
            #""logins": [{"user": "a"}, {"user": "b", "pasword": "x"}]"#,
            "logins.Index 1.pasword: unknown key 'pasword'; did you mean 'password'?"
        ),
        (#""login": {"user": "a", "password": null}"#, "login.password: has no value; write one or leave it out"),
    ])
    func `an invalid value is refused under its key`(settings: String, expected: String) {
        let name = settings.contains(#""name""#) ? "" : #""name": "a", "#
        #expect(refusal(of: Holder.self, "{\(name)\(settings)}") == expected)
    }

    @Test(arguments: ["11574075d", "100000000d", "99999999999999999999ms", String(repeating: "9", count: 400) + "s"])
    func `a duration above every range is refused with the range`(text: String) throws {
        struct Delay: Decodable {
            init(from decoder: any Decoder) throws { _ = try SettingCodec<Duration>.duration.read(decoder) }
        }
        #expect(refusal(of: [Delay].self, "[\"\(text)\"]").hasSuffix("is out of range; 0s to 11574074d is allowed"))
        #expect(throws: Never.self) { try decode([Delay].self, "[\"11574074d\"]") }
    }

    @Test func `a required key that is missing is refused with the path of its mapping`() {
        let cases: [(String, [String], String)] = [("{}", [], "name"), (#"{"name": "a", "login": {}}"#, ["login"], "user")]
        for (json, path, key) in cases {
            let error = #expect(throws: DecodingError.self) { try Self.read(json) }
            guard case .keyNotFound(let missing, let context)? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(missing.stringValue == key && context.codingPath.map(\.stringValue) == path)
        }
    }

    @Test func `a declaration describes its key without a file`() throws {
        let declarations = Sample.settings.declarations
        func declaration(_ name: String) throws -> SettingDeclaration { try #require(declarations.first { $0.name == name }) }
        #expect(
            declarations.map(\.name) == [
                "name", "mode", "size", "count", "factor", "tags", "logins", "headers", "login", "guests", "window",
            ])
        #expect(try declaration("name").presence == .required)
        #expect(try declaration("mode").presence == .optional(default: "slow"))
        #expect(try declaration("size").presence == .optional(default: "1MiB"))
        #expect(try declaration("count").presence == .optional(default: "no limit"))
        #expect(try declaration("count").excluded == ["mode"] && declaration("factor").needed == ["size"])
        #expect(try declaration("window").presence == .optional(default: "1m") && declaration("window").isPerRoute)
        #expect(try declaration("login").type.members.map(\.name) == ["user", "password"])
        for name in ["logins", "guests"] {
            #expect(try declaration(name).type.members == declaration("login").type.members)
        }
        let words = ["mode": "fast, slow", "size": "size, 1KiB or more", "count": "integer, 1 to 9", "factor": "number, 1 to 10"]
        for (name, type) in words { #expect(try declaration(name).type.description == type) }
        #expect(try declaration("tags").type.description == "text, or list of text")
        #expect(try declaration("headers").type.description == "mapping of names to secret")
        #expect(try declaration("window").type.description == "duration, 1s to 1h")
    }

    @Test(arguments: [
        (Duration.milliseconds(1500), "1500ms"), (.seconds(90), "90s"), (.seconds(300), "5m"), (.seconds(86_400), "1d"),
        (.seconds(7200), "2h"), (.zero, "0s"),
    ])
    func `a duration survives a round trip`(duration: Duration, text: String) {
        #expect(duration.setting == text)
        #expect(Duration(setting: text) == duration)
    }

    @Test(arguments: [(0, "0B"), (16, "16B"), (1536, "1536B"), (64 << 10, "64KiB"), (1 << 20, "1MiB"), (3 << 30, "3GiB")])
    func `a size survives a round trip`(count: Int, text: String) {
        #expect(count.byteCountSetting == text)
        #expect(Int(byteCountSetting: text) == count)
    }
}
