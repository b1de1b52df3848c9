import BridgeCore
import Testing

@Suite struct ExpressionValueTests {
    @Test(arguments: [
        (ExpressionValue.none, false, ""), (.null, false, ""), (.bool(false), false, "false"), (.bool(true), true, "true"),
        (.number(0), true, "0"),
        (.number(-3), true, "-3"), (.number(0.1), true, "0.1"), (.number(1e15), true, "1000000000000000"),
        (.number(-0x1p53), true, "-9007199254740992"), (.number(1e16), true, "1e+16"), (.number(-0.0), true, "0"),
        (.string(""), true, ""), (.json("[]"), true, "[]"),
    ])
    func `truth and text`(value: ExpressionValue, isTrue: Bool, text: String) {
        #expect(value.isTrue == isTrue)
        #expect(value.text == text)
    }
}
