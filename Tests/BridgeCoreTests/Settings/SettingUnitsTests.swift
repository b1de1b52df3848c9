import Testing

@testable import BridgeCore

struct SettingUnitsTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("1.5s", .milliseconds(1500)), ("5m", .seconds(300)),
        ("24h", .seconds(86_400)), ("7d", .seconds(604_800)), ("0s", .zero),
    ])
    func `a duration has its unit in the value`(text: String, expected: Duration) {
        #expect(Duration(setting: text) == expected)
    }

    @Test(arguments: ["", "5", "s", "-1s", "1 s", "5 minutes", "1e3s", "1.2.3s", "9999999999999999d"])
    func `anything else is not a duration`(text: String) {
        #expect(Duration(setting: text) == nil)
    }

    @Test(arguments: [
        ("0", 0), ("512", 512), ("64KiB", 65_536), ("16MiB", 16_777_216), ("1GiB", 1_073_741_824), ("2MB", 2_000_000),
    ])
    func `a size has its unit in the value`(text: String, expected: Int) {
        #expect(Int(byteCountSetting: text) == expected)
    }

    @Test(arguments: ["", "KiB", "-1", "1.5MiB", "1 KiB", "9999999999GiB", "5XB"])
    func `anything else is not a size`(text: String) {
        #expect(Int(byteCountSetting: text) == nil)
    }

    @Test func `a secret is never printed`() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped, "\([secret])", String(describing: Optional(secret))] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
    }
}
