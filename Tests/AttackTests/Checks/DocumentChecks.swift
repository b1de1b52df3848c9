import BridgeTesting
import NIOCore

extension SecurityCheck {
    /// Bodies that are hard to read, and expressions of the file that are hard to evaluate for some of them.
    static let documents = [
        SecurityCheck("JSON that is deep, huge or contradictory costs little") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"],
                sinks: ["out: { type: sse, stream: out, slow_client: { bytes: 64MiB } }"],
                routes: ["{ from: [in], match: { payload.a: { contains: x } }, to: [out] }", "{ from: [in], to: [out] }"]
            )
            let bodies = HostileJSON.all(size: stage.scale > 1 ? 10 : 1)
            for body in bodies {
                for _ in 0..<stage.scale {
                    let answer = try await bridge.post("/n/in", .init(string: body), type: "application/json")
                    stage.expect([200, 201, 400, 413].contains(answer.status), "\(body.prefix(40)): \(answer.status)")
                }
            }
            stage.note("\(bodies.count) bodies")
        },

        SecurityCheck("regular expressions of the file cost no event more than a moment") { stage in
            let patterns = [
                "(a+)+$", "(a|aa)+$", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)(.*)(.*)(.*)(.*)x", "(x+x+)+y",
                "a{1,100}a{1,100}b",
            ]
            let routes = patterns.map { "{ from: [in], match: { message: { regex: '\($0)' } }, to: [out] }" }
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out }"], routes: routes)
            for text in Self.texts {
                for _ in 0..<3 * stage.scale { try await bridge.post("/n/in", .init(string: text), type: "text/plain") }
            }
            stage.note("\(patterns.count) patterns")
        },

        SecurityCheck("no event makes jq of the file end the program, hang or grow") { stage in
            let codes = [
                #"[.message | splits(" *")] | length > 0"#, #"[.message | scan("\\w*")] | length > 0"#,
                #"[.message | match(""; "g")] | length > 0"#,
                #"[.message | capture("(?<n>\\d*)"; "g")] | length > 0"#, #".message | test("(a+)+$")"#,
                #".message[(.payload.v | tonumber):] | length > 0"#,
                #"(.payload.w[] |= . + 1) | true"#, #"[fromstream(.payload.s[])] | length > 0"#,
                #"reduce range(.payload.n) as $i (0; . + 1) > 0"#,
                #"(.message * .payload.n) | length > 0"#, #"[.. | tostring] | length > 0"#, #"[paths] | length > 0"#,
                #"(.payload | tojson | fromjson) != null"#,
                #"[.payload.x[]? as $y | .payload.x[]? | . + $y] | length > 0"#,
            ]
            let routes = codes.map { "{ from: [in], when: '\($0)', to: [out] }" }
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"],
                sinks: ["out: { type: sse, stream: out, slow_client: { bytes: 64MiB } }"], routes: routes)
            let long = (0..<50_000).map { "\($0)" }.joined(separator: ",")
            let payloads = [
                #"{"v":"nan"}"#, #"{"v":"-1e1000"}"#, #"{"w":[\#(long)]}"#, #"{"s":[[[300000000],1]]}"#,
                #"{"s":[[[0],1],[[0]]]}"#, #"{"s":[[["a",9007199254740993],1]]}"#,
                #"{"n":1e9}"#, #"{"n":1e308}"#, #"{"n":-1}"#, #"{"x":[\#(long)]}"#, #"{"v":308125194256523266}"#,
                #"{"d":\#(String(repeating: "[", count: 400))\#(String(repeating: "]", count: 400))}"#,
            ]
            for (index, payload) in payloads.enumerated() {
                let text = Self.texts[index % Self.texts.count]
                let body = #"{"message":"\#(text)","payload":\#(payload),"v":1}"#
                for _ in 0..<stage.scale { try await bridge.post("/n/in", .init(string: body), type: "application/json") }
            }
            for text in Self.texts + ["\u{E9}", "\u{1F600} \u{E9}", "", " "] {
                try await bridge.post("/n/in", .init(string: text), type: "text/plain")
            }
            stage.note("\(codes.count) expressions")
        },
    ]

    private static let texts = [
        String(repeating: "a", count: 30) + "!", String(repeating: "a", count: 3900) + "!", String(repeating: "x", count: 3900),
        String(repeating: "ab ", count: 1200), "\u{E9}",
    ]
}
