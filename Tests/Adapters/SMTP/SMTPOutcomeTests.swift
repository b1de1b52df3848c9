import BridgeCore
import Curl
import NIOCore
import Testing

@testable import SMTPAdapter

/// What the replies of a server mean for a mail and its receivers, without a server.
struct SMTPOutcomeTests {
    private static func replies(_ codes: [Int]) -> [SMTPReply] { codes.map { SMTPReply(code: $0, text: "") } }

    @Test func `replies are read within bounds`() {
        var replies = SMTPReplies()
        for line in [
            "250-localhost\r\n", "250-SIZE 1\r\n", "250 HELP\r\n", "nonsense\r\n", "25", "550 5.1.1 No\tsuch\u{1B} user\r\n",
            "354\r\n",
        ] {
            replies.append(line.utf8)
        }
        #expect(replies.all.map(\.description) == ["250 HELP", "550 5.1.1 No such user", "354"])
        replies.append("550 \(String(repeating: "x", count: 5000))".utf8)
        #expect(replies.all.last?.text.utf8.count == SMTPReplies.longest)
        for _ in 0..<500 { replies.append("250 ok\r\n".utf8) }
        #expect(replies.all.count == SMTPReplies.most)
    }

    @Test(
        arguments: [
            ([220, 250, 250, 250, 354, 250], nil, 1, SMTPOutcome.sent(Self.replies([250]))),
            ([250, 250, 550, 354, 250], nil, 2, .sent(Self.replies([250, 550]))),
            ([250, 550, 451], CurlError(.lost, "RCPT failed: 451 (last error)"), 2, .noRecipient(Self.replies([550, 451]))),
            ([250, 550, 221], CurlError(.lost, "RCPT failed: 550"), 1, .noRecipient(Self.replies([550]))),
            ([220, 250, 550], CurlError(.lost, "MAIL failed: 550"), 1, .senderRefused(SMTPReply(code: 550, text: ""))),
            ([250, 250, 354, 554], CurlError(.other, "weird"), 1, .messageRefused(SMTPReply(code: 554, text: ""))),
            ([250, 250, 452], CurlError(.lost, "DATA failed: 452"), 1, .messageRefused(SMTPReply(code: 452, text: ""))),
            ([220, 250, 535], CurlError(.denied, "Login denied"), 1, .denied(SMTPReply(code: 535, text: ""))),
            ([220, 250, 530], CurlError(.lost, "MAIL failed: 530"), 1, .denied(SMTPReply(code: 530, text: ""))),
            ([250, 250, 530], CurlError(.lost, "RCPT failed: 530"), 1, .denied(SMTPReply(code: 530, text: ""))),
            ([250, 250, 354, 530], CurlError(.other, "weird"), 1, .messageRefused(SMTPReply(code: 530, text: ""))),
            ([421], CurlError(.other, "weird"), 1, .failed(SMTPReply(code: 421, text: ""))),
            ([], CurlError(.refused, "refused"), 1, .failed(nil)),
            ([250, 250, 354], CurlError(.lost, "closed"), 1, .failed(nil)),
        ] as [([Int], CurlError?, Int, SMTPOutcome)])
    func `the stage of a refusal decides what it is about`(codes: [Int], error: CurlError?, count: Int, outcome: SMTPOutcome) {
        #expect(SMTPOutcome(Self.replies(codes), error, recipients: count) == outcome)
    }

    @Test(arguments: [
        ([220, 250, 250], true), ([220, 250, 220, 250, 250], true), ([220, 502, 250, 250], true), ([220, 250], false),
        ([220, 250, 220, 250], false), ([220, 250, 334, 235, 250], false), ([220, 250, 220, 250, 235, 250, 250], false),
        // The connection of the mail before.
        ([250, 250, 354, 250], false),
    ])
    func `a session without a login is noticed before the first mail`(codes: [Int], hasNone: Bool) {
        var replies = SMTPReplies()
        for code in codes { replies.append("\(code) x\r\n".utf8) }
        #expect(replies.hasNoLogin == hasNone)
    }

    @Test func `the third loss in a row of one mail is the last`() {
        var progress = SMTPProgress()
        _ = progress.remaining(Self.delivery(1), of: ["a@x"])
        #expect(!progress.lost() && !progress.lost())
        progress.replied()
        #expect(!progress.lost() && !progress.lost())
        _ = progress.remaining(Self.delivery(2), of: ["a@x"])
        #expect(!progress.lost() && !progress.lost())
        _ = progress.remaining(Self.delivery(2), of: ["a@x"])
        #expect(progress.lost() && progress.lost())
    }

    private static func delivery(_ position: UInt64) -> Delivery {
        let event = Event(
            id: "e", title: nil, message: "m", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
            json: ByteBuffer(), source: "s", subject: "t", attributes: Attributes(), raw: ByteBuffer())
        return Delivery(event: event, variant: 0, route: "r", attempts: 0, position: Position(position), ticket: position)
    }

    private static let accepted = SMTPReply(code: 250, text: "")
    private static let refused = SMTPReply(code: 550, text: "no")
    private static let later = SMTPReply(code: 451, text: "later")

    @Test func `receivers that have the mail do not get it again`() {
        var progress = SMTPProgress()
        let all = ["a@x", "b@x", "c@x"]
        #expect(progress.remaining(Self.delivery(1), of: all) == all)
        let step = progress.answered([("a@x", Self.accepted), ("b@x", Self.later), ("c@x", Self.refused)], wasSent: true)
        #expect(step == .retry("the server asks to try again later: b@x: 451 later"))
        #expect(progress.remaining(Self.delivery(1), of: all) == ["b@x"])
        #expect(progress.answered([("b@x", Self.refused)], wasSent: false) == .confirm, "a@x has it")
        #expect(progress.remaining(Self.delivery(2), of: all) == all, "another mail has its own receivers")
    }

    @Test func `a mail that no receiver can get is refused with the replies`() {
        var progress = SMTPProgress()
        let all = (0..<5).map { "\($0)@x" }
        _ = progress.remaining(Self.delivery(1), of: all)
        let step = progress.answered(all.map { ($0, Self.refused) }, wasSent: false)
        #expect(step == .refuse("the server refuses every receiver: 0@x: 550 no, 1@x: 550 no, 2@x: 550 no and 2 more"))
    }

    @Test func `a receiver that was accepted without the mail is not settled`() {
        var progress = SMTPProgress()
        _ = progress.remaining(Self.delivery(1), of: ["a@x", "b@x"])
        _ = progress.answered([("a@x", Self.accepted), ("b@x", Self.later)], wasSent: false)
        #expect(progress.remaining(Self.delivery(1), of: ["a@x", "b@x"]) == ["a@x", "b@x"])
    }
}
