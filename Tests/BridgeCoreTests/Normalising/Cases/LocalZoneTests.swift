import Testing

@testable import BridgeCore

/// Local times of the time zone database.
struct LocalZoneTests {
    @Test(arguments: [
        ("Europe/Berlin", "2026-01-15T12:00:00", "2026-01-15T11:00:00.000Z"),
        ("Europe/Berlin", "2026-07-15T12:00:00.250", "2026-07-15T10:00:00.250Z"),
        // The clocks skip 02:00 to 03:00, and later show 02:00 to 03:00 twice.
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00.000Z"),
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00.000Z"),
        ("Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00.000Z"),
        ("Europe/Berlin", "1960-07-01T12:00:00", "1960-07-01T11:00:00.000Z"),
        // After the last change that the file lists, its rule holds.
        ("Europe/Berlin", "2061-07-01T12:00:00", "2061-07-01T10:00:00.000Z"),
        ("Europe/Berlin", "2061-12-01T12:00:00", "2061-12-01T11:00:00.000Z"),
        ("America/New_York", "2026-07-04T00:00:00", "2026-07-04T04:00:00.000Z"),
        ("Australia/Sydney", "2061-01-01T00:00:00", "2060-12-31T13:00:00.000Z"),
        ("Australia/Sydney", "2061-07-01T00:00:00", "2061-06-30T14:00:00.000Z"),
        ("Europe/Berlin", "2026-07-15T12:00", "2026-07-15T10:00:00.000Z"),
        ("Europe/Berlin", "2026-07-15 12:00", "2026-07-15T10:00:00.000Z"),
        ("Asia/Kolkata", "2026-07-04 00:00:00", "2026-07-03T18:30:00.000Z"),
        ("UTC", "2026-07-04T00:00:00", "2026-07-04T00:00:00.000Z"),
    ])
    func `a local time is a time`(zone: String, local: String, expected: String) throws {
        let zone = try LocalZone(named: zone)
        #expect(Timestamp(local: local, in: zone)?.description == expected)
    }

    @Test(arguments: [
        "2026-01-15T12:00:00Z", "2026-01-15T12:00:00+01:00", "1768471200", "12:00", "", "2026-01-15T12:00Z", "2026-01-15 12",
        "2026-01-15 12:00:00 UTC",
    ])
    func `a time that needs no zone is not a local one`(text: String) throws {
        #expect(try Timestamp(local: text, in: LocalZone(named: "Europe/Berlin")) == nil)
    }

    @Test(arguments: ["", "/etc/passwd", "Europe", "Europe/../UTC", "Europe//Berlin", "tzdata.zi", "zone.tab"])
    func `what is no zone is refused`(name: String) {
        #expect(throws: LocalZone.Problem.self) { try LocalZone(named: name) }
    }

    @Test(arguments: [
        "", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "<+03-3", "CET-1CEST,M3.5.0,M10.5.0/3x",
    ])
    func `a damaged rule is none`(text: String) {
        #expect(ZoneRule(text) == nil)
    }

    @Test func `rules in all forms are read`() throws {
        let summer = Timestamp(rfc3339: "2026-07-01T00:00:00Z")!.milliseconds / 1000
        let winter = Timestamp(rfc3339: "2026-01-01T00:00:00Z")!.milliseconds / 1000
        for (text, inSummer, inWinter) in [
            ("<+0330>-3:30", 12_600, 12_600), ("CET-1CEST,M3.5.0,M10.5.0/3", 7200, 3600),
            ("XXX3YYY,J60/0,J300/0", -7200, -10_800),
            ("XXX3YYY1,59,299", -3600, -10_800), ("AEST-10AEDT,M10.1.0,M4.1.0/3", 36_000, 39_600),
        ] as [(String, Int64, Int64)] {
            let rule = try #require(ZoneRule(text), "\(text)")
            #expect(rule.offset(at: summer) == inSummer && rule.offset(at: winter) == inWinter, "\(text)")
        }
    }

    @Test func `a damaged file is none`() {
        #expect(LocalZone([]) == nil)
        let head = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15)
        #expect(LocalZone(head + [UInt8](repeating: 0, count: 24)) == nil)
        #expect(LocalZone(head + [UInt8](repeating: 0xFF, count: 24) + [UInt8](repeating: 1, count: 400)) == nil)
    }
}
