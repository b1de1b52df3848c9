import Testing

@testable import BridgeCore

struct EventIDTests {
    @Test(arguments: ["a", "msg_0199", "1-0", "A,b=c-_.~/", String(repeating: "x", count: 128)])
    func `an id of safe ASCII is legal`(text: String) {
        #expect(EventID.isLegal(text))
    }

    @Test(arguments: [
        "", " ", "a b", "a:b", "é", "a\n", "a\u{7F}", "\"", "(", ")", "<", ">", "?", "@", "[", "\\", "]", "{", "}",
        String(repeating: "x", count: 129),
    ])
    func `anything else is not`(text: String) {
        #expect(!EventID.isLegal(text))
    }

    @Test func `new ids are legal, distinct and in order`() {
        let ids = (0..<20_000).map { _ in EventID.generate() }
        #expect(ids.allSatisfy { EventID.isLegal($0) && $0.hasPrefix("msg_") && $0.count == 36 })
        #expect(Set(ids).count == ids.count)
        #expect(ids == ids.sorted())
        #expect(ids.allSatisfy { Array($0)[16] == "7" && "89ab".contains(Array($0)[20]) }, "version 7, variant 10")
    }
}
