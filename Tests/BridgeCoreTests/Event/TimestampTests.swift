import Testing

@testable import BridgeCore

struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_768_471_200_123, "2026-01-15T10:00:00.123Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
    ])
    func `a time is written in UTC with milliseconds and read back`(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(rfc3339: text) == Timestamp(milliseconds: milliseconds))
    }

    @Test(arguments: [
        ("2026-01-15T10:00:00Z", "2026-01-15T10:00:00.000Z"), ("2026-01-15T12:00:00+02:00", "2026-01-15T10:00:00.000Z"),
        ("2026-01-15t04:30:00.5-05:30", "2026-01-15T10:00:00.500Z"),
        ("2026-01-15 10:00:00.123456789Z", "2026-01-15T10:00:00.123Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
    ])
    func `any offset and fraction are read`(text: String, expected: String) {
        #expect(Timestamp(rfc3339: text)?.description == expected)
    }

    @Test(arguments: [
        "", "2026-01-15", "2026-01-15T10:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-15T24:00:00Z",
        "2026-01-15T10:00:00.Z", "2026-01-15T10:00:00Zx", "2026-01-15T10:00:00+24:00", "x026-01-15T10:00:00Z", "1768471200",
    ])
    func `anything else is not a time`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `every day of four centuries is written and read alike`() {
        for day in stride(from: Int64(-146_097), to: 146_097, by: 1) {
            let time = Timestamp(milliseconds: day * 86_400_000 + 45_296_789)
            #expect(Timestamp(rfc3339: time.description) == time)
        }
    }
}
