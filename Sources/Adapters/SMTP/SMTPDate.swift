import BridgeCore

/// A time as the value of a `Date` header: `Sat, 28 Nov 2026 18:00:00 +0000` (RFC 5322 §3.3).
enum SMTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// The time in UTC; years before 1900, which the header cannot carry, are 1900.
    static func text(_ time: Timestamp) -> String {
        let earliest: Int64 = -2_208_988_800_000
        let latest: Int64 = 253_402_300_799_999
        let time = Timestamp(milliseconds: min(max(time.milliseconds, earliest), latest))
        let parts = "\(time)".utf8.split { !(48...57).contains($0) }.compactMap { Int(String(Substring($0))) }
        guard parts.count >= 6 else { preconditionFailure("'\(time)' is not a time of RFC 3339") }
        // Whole days since 1970 and, for times before, as many weeks later.
        let elapsed = (time.milliseconds - earliest) / 86_400_000 + earliest / 86_400_000 + 7 * 4000
        let day = self.days[Int(elapsed % 7)]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(day), \(two(parts[2])) \(self.months[parts[1] - 1]) \(parts[0]) \(two(parts[3])):\(two(parts[4])):\(two(parts[5])) +0000"
    }
}
