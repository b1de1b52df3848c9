import BridgeCore
import Testing

@testable import BridgeConfiguration

struct ScalarExpansionTests {
    private let expansion = ScalarExpansion(
        environment: ["A": "x", "EMPTY": "", "DIR": "secret", "TRICK": "a: [1]\n${env:A}"],
        readFile: { path in
            guard path == "/secret" else { throw ExpressionError("no such file") }
            return "s3cret\n"
        }
    )

    @Test(arguments: [
        ("plain", "plain"), ("${env:A}", "x"), ("<${env:A}${env:A}>", "<xx>"), ("${env:B:-d}", "d"), ("${env:EMPTY:-d}", "d"),
        ("${env:EMPTY}", ""), ("${env:B:-}", ""), ("${env:B:-mqtt://h:1}", "mqtt://h:1"), ("${file:/secret}", "s3cret"),
        ("$$", "$"), ("${file:/${env:DIR}}", "s3cret"), ("${env:B:-${env:A}}", "x"), ("${env:B:-${env:C:-{y}}}", "{y}"),
        ("${env:A:-${env:B}}", "x"),
        ("$${env:A}", "${env:A}"), ("$1 costs $", "$1 costs $"), ("${env:TRICK}", "a: [1]\n${env:A}"),
    ])
    func `references are replaced once and only in the scalar`(text: String, expected: String) throws {
        #expect(try self.expansion.expand(text) == expected)
    }

    @Test(arguments: [
        ("${env:B}", "the environment variable B is not set; set it or write ${env:B:-default}"),
        ("${file:/none}", "the file /none cannot be read: no such file; put it there, or name another one"),
        ("${A}", "'${A}' is not known; write ${env:A} for the environment variable"),
        ("${a:b}", "'${a:b}' is not known; write ${env:NAME}, ${env:NAME:-default}, ${file:PATH}, or $$ for a plain $"),
        ("${file:${env:B}/x}", "the environment variable B is not set; set it or write ${env:B:-default}"),
        ("${env:B:-${env:A}", "'${' has no closing '}'; write $$ for a plain $"),
        ("${env:B:-${env:B:-${env:B:-${env:B:-${env:B:-d}}}}}", "references are nested more than 4 deep"),
        ("${env:A", "'${' has no closing '}'; write $$ for a plain $"),
    ])
    func `a reference that cannot be resolved is reported`(text: String, expected: String) {
        do {
            _ = try self.expansion.expand(text)
            Issue.record("expanded")
        } catch {
            #expect(error.message == expected)
        }
    }

    @Test func `an inserted value never becomes structure and keeps its type`() throws {
        let plan = try load(
            "sources: { in: { type: fake, url: \"${env:URL}\", port: \"${env:PORT}\" } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]",
            environment: ["URL": "a, b: c", "PORT": "77"]
        )
        let settings = try #require(plan.sources[0].settings as? FakeSource.Configuration)
        #expect(settings.url == "a, b: c")
        #expect(settings.port == 77)
    }

    @Test func `a value from outside the file is never printed`() {
        let found = mistakes(
            "sources: { in: { type: fake, url: x, timeout: \"${env:T}\" } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]",
            environment: ["T": "s3cret-value"]
        )
        #expect(
            found == [
                "bridges.yaml:1:47: error: sources.in.timeout: invalid duration '${env:T}'; write a number and a unit (ms, s, m, h, d), such as 30s"
            ]
        )
    }

    @Test func `a missing variable is reported where it stands`() {
        let found = mistakes(
            "sources: { in: { type: fake, url: x, password: \"${env:PW}\" } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]"
        )
        #expect(
            found == [
                "bridges.yaml:1:48: error: sources.in.password: the environment variable PW is not set; set it or write ${env:PW:-default}"
            ]
        )
    }

    @Test(
        arguments: [
            (#""${env:EMPTY}""#, ""), ("${env:EMPTY}", ""), (#""${env:NONE:-}""#, ""), (#""${file:/empty}""#, ""),
            ("${env:TILDE}", "~"),
            ("'${env:EMPTY}${env:EMPTY}'", ""), (#""${env:NULL}""#, "null"), ("${env:NULL}", "null"),
        ]
    )
    func `a reference to nothing is an empty text, never a missing setting`(text: String, expected: String) throws {
        let plan = try load(
            "sources:\n  in:\n    type: fake\n    url: x\n    password: \(text)\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]",
            environment: ["EMPTY": "", "NULL": "null", "TILDE": "~"]
        )
        let settings = try #require(plan.sources[0].settings as? FakeSource.Configuration)
        #expect(settings.password == Secret(expected))
    }

    @Test func `a number without quotes is allowed in the environment, but an empty value is not`() throws {
        let rest = "\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]"
        let source = "sources:\n  in:\n    type: fake\n    url: x\n    port: ${env:PORT}"
        let plan = try load(source + rest, environment: ["PORT": "77"])
        #expect((plan.sources[0].settings as? FakeSource.Configuration)?.port == 77)
        #expect(
            mistakes(source + rest, environment: ["PORT": ""]) == [
                "bridges.yaml:5:11: error: sources.in.port: must be a whole number"
            ]
        )
    }
}
