import Testing

@testable import BridgeCore

/// When quiet hours begin and end: over midnight, on days, and when clocks change.
struct QuietHoursTests {
    private static func hours(_ from: String, _ to: String, zone: String = "Europe/Berlin", days: String? = nil) throws
        -> QuietHours
    {
        let days = days.map { ", \"days\": \($0)" } ?? ""
        let text = "{\"quiet_hours\": {\"from\": \"\(from)\", \"to\": \"\(to)\", \"zone\": \"\(zone)\"\(days)}}"
        return try #require(try decode(ToolRun.Tools.self, text).tools.quietHours)
    }

    @Test(
        arguments: [
            ("2026-01-15T20:59:59.999Z", nil), ("2026-01-15T21:00:00Z", "2026-01-16T06:00:00Z"),
            ("2026-01-15T23:30:00Z", "2026-01-16T06:00:00Z"), ("2026-01-16T05:59:59.999Z", "2026-01-16T06:00:00Z"),
            ("2026-01-16T06:00:00Z", nil), ("2026-07-15T19:59:00Z", nil), ("2026-07-15T20:00:00Z", "2026-07-16T05:00:00Z"),
        ] as [(String, String?)])
    func `hours over midnight follow the zone, in winter and in summer`(now: String, end: String?) throws {
        #expect(try Self.hours("22:00", "7:00").end(at: .at(now)) == end.map { .at($0) })
    }

    @Test(
        arguments: [
            ("2026-01-15T11:59:00Z", nil), ("2026-01-15T12:00:00Z", "2026-01-15T13:30:00Z"), ("2026-01-15T13:30:00Z", nil),
        ] as [(String, String?)])
    func `hours of one day`(now: String, end: String?) throws {
        #expect(try Self.hours("13:00", "14:30").end(at: .at(now)) == end.map { .at($0) })
    }

    @Test func `a night in which clocks are set forward or back ends at its local time`() throws {
        let night = try Self.hours("22:00", "07:00")
        // 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
        #expect(night.end(at: .at("2026-03-28T23:00:00Z")) == .at("2026-03-29T05:00:00Z"))
        #expect(night.end(at: .at("2026-10-24T23:00:00Z")) == .at("2026-10-25T06:00:00Z"))
    }

    @Test func `an end that clocks skip counts on, and one that comes twice is the first`() throws {
        let short = try Self.hours("22:00", "02:30")
        #expect(short.end(at: .at("2026-03-29T00:59:00Z")) == .at("2026-03-29T01:30:00Z"))
        #expect(short.end(at: .at("2026-03-29T01:15:00Z")) == .at("2026-03-29T01:30:00Z"))
        #expect(short.end(at: .at("2026-03-29T01:30:00Z")) == nil)
        #expect(short.end(at: .at("2026-10-25T00:15:00Z")) == .at("2026-10-25T00:30:00Z"))
        #expect(short.end(at: .at("2026-10-25T00:30:00Z")) == nil)
        #expect(short.end(at: .at("2026-10-25T01:15:00Z")) == nil, "02:15 comes again, and the hours have ended")
    }

    @Test func `a begin that comes twice begins once`() throws {
        let hours = try Self.hours("02:30", "04:00")
        #expect(hours.end(at: .at("2026-10-25T00:29:00Z")) == nil)
        #expect(hours.end(at: .at("2026-10-25T00:30:00Z")) == .at("2026-10-25T03:00:00Z"))
        #expect(hours.end(at: .at("2026-10-25T01:15:00Z")) == .at("2026-10-25T03:00:00Z"))
    }

    @Test func `days are those on which the hours begin`() throws {
        let weekend = try Self.hours("22:00", "10:00", days: #"["fri", "sat"]"#)
        // 2026-01-16 is a Friday.
        #expect(weekend.end(at: .at("2026-01-15T22:00:00Z")) == nil)
        #expect(weekend.end(at: .at("2026-01-16T22:00:00Z")) == .at("2026-01-17T09:00:00Z"))
        #expect(weekend.end(at: .at("2026-01-17T08:00:00Z")) == .at("2026-01-17T09:00:00Z"))
        #expect(weekend.end(at: .at("2026-01-18T08:00:00Z")) == .at("2026-01-18T09:00:00Z"))
        #expect(weekend.end(at: .at("2026-01-19T08:00:00Z")) == nil)
    }

    @Test func `a zone west of Greenwich`() throws {
        let night = try Self.hours("23:00", "06:00", zone: "America/New_York")
        #expect(night.end(at: .at("2026-01-16T03:59:00Z")) == nil)
        #expect(night.end(at: .at("2026-01-16T04:00:00Z")) == .at("2026-01-16T11:00:00Z"))
    }
}
