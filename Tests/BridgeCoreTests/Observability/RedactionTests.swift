import BridgeTesting
import Logging
import Testing

@testable import BridgeCore

struct RedactionTests {
    private static func redaction(_ fill: (inout SecretTexts) -> Void, references: [String] = []) -> Redaction {
        var secrets = SecretTexts()
        fill(&secrets)
        return Redaction([secrets], references: references.map { Secret($0) })
    }

    @Test(arguments: [
        ("'p\"a ss/w<d'", "'***'"), ("p%22a%20ss%2Fw%3Cd", "***"), ("p%22a%20ss%2fw%3cd", "***"), ("p%22a+ss%2Fw%3Cd", "***"),
        (#"{"x":"'p\"a ss/w<d'"}"#, #"{"x":"'***'"}"#), (#"p\"a ss\/w<d"#, "***"), ("p&quot;a ss/w&lt;d", "***"),
        ("p\"a ss", "p\"a ss"), ("nothing", "nothing"), ("", ""),
    ])
    func `a secret is replaced in every form in which peers quote it`(_ text: String, _ expected: String) {
        let redaction = Self.redaction { $0.add(Secret("p\"a ss/w<d")) }
        #expect(redaction.redacted(text) == expected)
    }

    @Test func `user and password are replaced in the form of Basic authentication too`() {
        let redaction = Self.redaction { $0.add(user: "ann", password: Secret("REDSECRET")) }
        // base64 of ann:REDSECRET
        #expect(redaction.redacted("Authorization: Basic YW5uOlJFRFNFQ1JFVA==") == "Authorization: Basic ***==")
        #expect(redaction.redacted("args beginning with: 'ann' 'REDSECRET' ") == "args beginning with: 'ann' '***' ")
        // A user without a password may be a token.
        #expect(Self.redaction { $0.add(user: "token", password: nil) }.redacted("'token'") == "'***'")
    }

    @Test func `a password of fewer than four bytes is not replaced`() {
        #expect(Self.redaction { $0.add(Secret("abc")) }.redacted("abc abcd") == "abc abcd")
        #expect(Self.redaction { $0.add(Secret("abcd")) }.redacted("abc abcde") == "abc ***e")
        #expect(Self.redaction { $0.add(Secret("")) }.redacted("text") == "text")
    }

    @Test(arguments: [
        ("X-Token", "secret-1", "secret-1 is wrong", "*** is wrong"), ("X-Token", "secret-1", "my-secret-1", "my-secret-1"),
        ("X-Token", "secret-1", "secret-12", "secret-12"), ("Authorization", "Token secret-1", "got 'secret-1'", "got '***'"),
        ("Cookie", "id=secret-1;x=2", "id is secret-1", "id is ***"), ("Priority", "high", "too high", "too high"),
        ("Content-Type", "application/json", "send application/json", "send application/json"),
    ])
    func `the values of headers are replaced as whole words`(_ name: String, _ value: String, _ text: String, _ expected: String)
    {
        #expect(Self.redaction { $0.add(header: name, value) }.redacted(text) == expected)
    }

    @Test func `userinfo and query values of a URL are replaced, and the path where it is a secret`() {
        let url = "https://ann:pass%20word@host.example/services/T0001/B0002?key=URLSECRET&a=b%2Fcdefg"
        let text = "POST /services/T0001/B0002?key=URLSECRET&a=b%2Fcdefg for pass word at host.example, b/cdefg"
        let hidden = "POST ***?key=***&a=*** for *** at host.example, ***"
        #expect(Self.redaction { $0.add(url: url, hidesPath: true) }.redacted(text) == hidden)
        let shown = "POST /services/T0001/B0002?key=***&a=*** for *** at host.example, ***"
        #expect(Self.redaction { $0.add(url: url) }.redacted(text) == shown)
        #expect(Self.redaction { $0.add(url: "https://host/x") }.redacted("https://host/x") == "https://host/x")
    }

    @Test func `the beginning of a secret is replaced where the peer or the program shortens the text`() {
        let redaction = Self.redaction { $0.add(Secret("0123456789abcdefghij")) }
        #expect(redaction.redacted("with '0123456789abcdefg'") == "with '***'")
        #expect(redaction.redacted("with '0123456789abcde'") == "with '0123456789abcde'")
        #expect(redaction.redacted("with 01234") == "with 01234")
        #expect(redaction.redacted("with 01234", isCut: true) == "with ***")
        #expect(redaction.redacted("with 012", isCut: true) == "with 012")
    }

    @Test func `values of references are replaced where they are sent to the peer`() {
        let redaction = Self.redaction(
            { $0.add(sent: #"{"token":"FROM-ENV","text":"{{ .title }}"}"#) }, references: ["FROM-ENV", "localhost", "a"])
        #expect(redaction.redacted("FROM-ENV at localhost has a fault") == "*** at localhost has a fault")
    }

    @Test func `of secrets that begin alike the longest is replaced`() {
        let redaction = Self.redaction {
            $0.add(Secret("abcd"))
            $0.add(Secret("abcdef"))
        }
        #expect(redaction.redacted("abcdefg abcd") == "***g ***")
    }

    @Test func `log lines of a component contain none of its secrets`() {
        let log = RecordedLog()
        let redaction = Self.redaction { $0.add(Secret("REDSECRET")) }
        redaction.logger(redaction.logger(log.logger("x"))).warning(
            "REDSECRET", metadata: ["error": "not 'REDSECRET'", "n": "1"])
        #expect(log.lines.map(\.message) == ["***"])
        #expect(log.lines.map(\.metadata) == [["error": "not '***'", "n": "1"]])
    }

    @Test func `secrets are not printed`() {
        var secrets = SecretTexts()
        secrets.add(Secret("REDSECRET"))
        #expect("\(secrets) \(String(reflecting: secrets))".contains("REDSECRET") == false)
    }
}
