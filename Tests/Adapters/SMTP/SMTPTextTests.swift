import BridgeCore
import NIOCore
import Testing

@testable import SMTPAdapter

/// Headers, bodies, dates and addresses as they are written into a mail.
struct SMTPTextTests {
    // MARK: Headers

    @Test(arguments: [
        ("Door is open", "Door is open"), ("a\r\nBcc: x@y", "a Bcc: x@y"), ("  a \t\n b  ", "a b"), ("", ""), ("\r\n", ""),
        ("ü", "=?UTF-8?B?w7w=?="), ("=?UTF-8?B?w7w=?=", "=?UTF-8?B?PT9VVEYtOD9CP3c3dz0/PQ==?="),
        ("a\u{2028}b\u{85}c\u{0}d", "a b c d"),
    ])
    func `a text becomes the value of one header`(text: String, value: String) {
        #expect(SMTPHeaderText.unstructured(text, after: 9) == value)
    }

    @Test func `long texts fold between words, and encoded words divide no character`() throws {
        let words = (0..<60).map { "word\($0)" }.joined(separator: " ")
        let plain = SMTPHeaderText.unstructured(words, after: 9)
        let lines = ("Subject: " + plain).components("\r\n")
        #expect(lines.count > 4 && lines.allSatisfy { $0.utf8.count <= 78 } && lines.dropFirst().allSatisfy { $0.hasPrefix(" ") })
        #expect(lines.joined() == "Subject: " + words)
        let wide = String(repeating: "ä€𝄞", count: 100)
        let encoded = ("Subject: " + SMTPHeaderText.unstructured(wide, after: 9)).components("\r\n")
        #expect(encoded.allSatisfy { $0.utf8.count <= 76 })
        #expect(encoded.dropFirst().allSatisfy { $0.hasPrefix(" =?UTF-8?B?") && $0.hasSuffix("?=") })
    }

    @Test func `a word that fits no line is encoded, and a text over the limit is cut`() {
        let encoded = SMTPHeaderText.unstructured(String(repeating: "a", count: 200), after: 9)
        #expect(encoded.hasPrefix("=?UTF-8?B?") && encoded.components("\r\n").count > 2)
        #expect(SMTPHeaderText.clean(String(repeating: "a", count: 1000)).utf8.count == 1000)
        #expect(SMTPHeaderText.clean(String(repeating: "a", count: 1001)) == String(repeating: "a", count: 1000) + "…")
    }

    // MARK: Addresses

    @Test(arguments: [
        ("a@b", "", "a@b"), ("Doors <doors@example.org>", "Doors", "doors@example.org"),
        ("\"Doors, Ltd.\" <d+x@[127.0.0.1]>", "Doors, Ltd.", "d+x@[127.0.0.1]"), ("<a@b>", "", "a@b"),
        ("Tür <t@xn--tr-hoa.example>", "Tür", "t@xn--tr-hoa.example"),
    ])
    func `an address may have a name`(text: String, name: String, address: String) throws {
        let mailbox = try #require(SMTPMailbox(text))
        #expect(mailbox.name == name && mailbox.address == address)
    }

    @Test(arguments: [
        "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b c", "a@b>", "<a@b", "a@b, c@d", "a\r\n@b", "x\r\ny <a@b>", "ü@b", "a@ü",
        ".a@b",
        "a..b@c", "a@-b", "a@b.", "\"a b\"@c", "a@[x", "a@b>\r\nRCPT TO:<c@d",
    ])
    func `anything else is not an address`(text: String) {
        #expect(SMTPMailbox(text) == nil)
    }

    @Test func `names in headers are quoted or encoded, and lists fold`() throws {
        let boxes = try [
            #require(SMTPMailbox("A \"B\" <a@b>")), #require(SMTPMailbox("Tür <t@d>")), #require(SMTPMailbox("x@y")),
        ]
        #expect(SMTPMailbox.header(boxes, after: 4) == "\"A \\\"B\\\"\" <a@b>,\r\n =?UTF-8?B?VMO8cg==?= <t@d>,\r\n x@y")
        let long = try #require(
            SMTPMailbox("\(String(repeating: "n", count: 40)) <\(String(repeating: "a", count: 40))@example.org>"))
        #expect(("To: " + SMTPMailbox.header([long], after: 4)).components("\r\n").allSatisfy { $0.utf8.count <= 78 })
    }

    // MARK: Bodies

    @Test(arguments: [
        ("a=b", "a=3Db\r\n"), ("a \n\tb\t", "a=20\r\n\tb=09\r\n"), ("a\r\nb\rc\n", "a\r\nb\r\nc\r\n"), ("", "\r\n"),
        ("\n\n", "\r\n\r\n"),
        ("aaaaaaaaaaaaü", "aaaaaaaaaaaa=C3=BC\r\n"),
    ])
    func `quoted-printable keeps what is readable`(text: String, encoded: String) {
        #expect(String(decoding: SMTPBodyCoding.quotedPrintable.encode(text), as: UTF8.self) == encoded)
    }

    @Test(arguments: [1, 74, 75, 76, 77, 150, 151, 152, 5000])
    func `no line is longer than 76 characters`(count: Int) {
        for text in [
            String(repeating: "a", count: count), String(repeating: "=", count: count), String(repeating: "a ü ", count: count),
        ] {
            for coding in [SMTPBodyCoding.quotedPrintable, .base64] {
                let lines = String(decoding: coding.encode(text), as: UTF8.self).components("\r\n")
                #expect(lines.last == "" && lines.allSatisfy { $0.utf8.count <= 76 })
            }
        }
        #expect(
            String(decoding: SMTPBodyCoding.quotedPrintable.encode(String(repeating: "a", count: 76)), as: UTF8.self).utf8.count
                == 78)
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
    func `base64 is that of RFC 4648`(text: String, encoded: String) {
        #expect(SMTPBodyCoding.base64(Array(text.utf8)) == encoded)
    }

    @Test func `a text that is mostly ASCII stays readable`() {
        #expect(SMTPBodyCoding.best(for: "Die Tür ist offen") == .quotedPrintable)
        #expect(SMTPBodyCoding.best(for: "дверь открыта") == .base64)
    }

    // MARK: Dates and messages

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"), (1_795_888_800_500, "Sat, 28 Nov 2026 18:00:00 +0000"),
            (-1, "Wed, 31 Dec 1969 23:59:59 +0000"), (Int64.min, "Mon, 01 Jan 1900 00:00:00 +0000"),
            (Int64.max, "Fri, 31 Dec 9999 23:59:59 +0000"), (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 +0000"),
        ] as [(Int64, String)])
    func `a date has its day of the week`(time: Int64, text: String) {
        #expect(SMTPDate.text(Timestamp(milliseconds: time)) == text)
    }

    private static func message(id: String = "e-1", priority: Int? = nil) throws -> SMTPMessage {
        SMTPMessage(
            from: try #require(SMTPMailbox("b@example.org")), to: [try #require(SMTPMailbox("a@b"))], subject: "s",
            date: Timestamp(milliseconds: 0), id: id, priority: priority, headers: [], text: "t")
    }

    @Test(arguments: [(1, "low", "5"), (2, "low", "4"), (4, "high", "2"), (5, "high", "1")])
    func `a priority becomes an importance`(priority: Int, importance: String, number: String) throws {
        let text = String(buffer: try Self.message(priority: priority).write())
        #expect(text.contains("\r\nImportance: \(importance)\r\nX-Priority: \(number)\r\n"))
        #expect(try !String(buffer: Self.message(priority: 3).write()).contains("Importance"))
    }

    @Test(arguments: ["a b", "", "a@b", "a..b", "a>\r\nX: y", String(repeating: "a", count: 101), "ü"])
    func `an id that a header cannot carry is hashed`(id: String) throws {
        let line = try #require(
            String(buffer: Self.message(id: id).write()).components("\r\n").first { $0.hasPrefix("Message-ID") })
        #expect(line.hasPrefix("Message-ID: <") && line.hasSuffix("@example.org>") && line.utf8.count == 13 + 32 + 13)
        #expect(try String(buffer: Self.message(id: "1-0.ab").write()).contains("Message-ID: <1-0.ab@example.org>\r\n"))
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        self.split(separator: separator, omittingEmptySubsequences: false).map { String($0) }
    }
}
