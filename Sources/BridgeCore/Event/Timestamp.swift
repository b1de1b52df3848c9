#if canImport(Glibc)
import Glibc
#endif

/// A point in time in whole milliseconds since 1970-01-01T00:00:00Z, without leap seconds (RFC 3339).
package struct Timestamp: Comparable, Hashable, Sendable, CustomStringConvertible {
    /// Milliseconds since 1970; negative before.
    package var milliseconds: Int64

    /// Makes a time from milliseconds since 1970.
    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The current time of the wall clock, rounded down to milliseconds.
    package static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Compares by time.
    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.milliseconds < rhs.milliseconds }

    /// The time as `2026-01-15T10:00:00.000Z`: RFC 3339 §5.6 in UTC with three digits of fraction, 24 bytes.
    package var description: String {
        String(unsafeUninitializedCapacity: 24) { self.write(into: $0) }
    }

    /// Writes the 24 bytes of ``description``; years outside 0…9999 are clamped.
    ///
    /// - Parameter bytes: at least 24 bytes.
    /// - Returns: 24.
    package func write(into bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let clamped = min(max(self.milliseconds, -62_167_219_200_000), 253_402_300_799_999)
        let (day, inDay) = clamped.quotientAndRemainderFlooring(by: 86_400_000)
        let (year, month, dayOfMonth) = Self.civil(fromDays: day)
        func two(_ value: Int64, at index: Int) {
            bytes[index] = UInt8(48 + value / 10)
            bytes[index + 1] = UInt8(48 + value % 10)
        }
        two(year / 100, at: 0)
        two(year % 100, at: 2)
        bytes[4] = UInt8(ascii: "-")
        two(month, at: 5)
        bytes[7] = UInt8(ascii: "-")
        two(dayOfMonth, at: 8)
        bytes[10] = UInt8(ascii: "T")
        two(inDay / 3_600_000, at: 11)
        bytes[13] = UInt8(ascii: ":")
        two(inDay / 60_000 % 60, at: 14)
        bytes[16] = UInt8(ascii: ":")
        two(inDay / 1000 % 60, at: 17)
        bytes[19] = UInt8(ascii: ".")
        bytes[20] = UInt8(48 + inDay % 1000 / 100)
        two(inDay % 100, at: 21)
        bytes[23] = UInt8(ascii: "Z")
        return 24
    }

    /// Parses the format of ``write(into:)`` only.
    ///
    /// - Parameter bytes: the text, in ASCII.
    /// - Returns: `nil` for anything else.
    init?(canonical bytes: UnsafeRawBufferPointer) {
        func digits(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for index in range {
                guard bytes[index] >= 48, bytes[index] <= 57 else { return nil }
                value = value * 10 + Int64(bytes[index] - 48)
            }
            return value
        }
        guard bytes.count == 24, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"), bytes[19] == UInt8(ascii: "."),
            bytes[23] == UInt8(ascii: "Z"), let year = digits(0..<4), let month = digits(5..<7), let day = digits(8..<10),
            let hour = digits(11..<13), let minute = digits(14..<16), let second = digits(17..<19),
            let fraction = digits(20..<23), (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year), hour < 24,
            minute < 60, second < 60
        else { return nil }
        self.init(
            milliseconds: (((Self.days(fromCivil: year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + fraction
        )
    }

    /// Parses a `date-time` of RFC 3339 §5.6 with any offset and any number of fraction digits; those after the third
    /// are ignored.
    ///
    /// A leap second counts as second 59.
    ///
    /// - Returns: `nil` for any other text and for a date that does not exist.
    package init?(rfc3339 text: String) {
        var bytes = Array(text.utf8)[...]
        func digits(_ count: Int) -> Int64? {
            guard bytes.count >= count else { return nil }
            var value: Int64 = 0
            for byte in bytes.prefix(count) {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            bytes = bytes.dropFirst(count)
            return value
        }
        func take(_ accepted: String) -> UInt8? {
            guard let first = bytes.first, accepted.utf8.contains(first) else { return nil }
            bytes = bytes.dropFirst()
            return first
        }
        guard let year = digits(4), take("-") != nil, let month = digits(2), take("-") != nil, let day = digits(2),
            take("Tt ") != nil, let hour = digits(2), take(":") != nil, let minute = digits(2), take(":") != nil,
            let second = digits(2),
            (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year), hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction: Int64 = 0
        if take(".") != nil {
            var scale: Int64 = 100
            var count = 0
            while let byte = bytes.first, byte >= 48, byte <= 57 {
                fraction += Int64(byte - 48) * scale
                scale /= 10
                count += 1
                bytes = bytes.dropFirst()
            }
            guard count > 0 else { return nil }
        }
        guard let zone = take("Zz+-") else { return nil }
        var offset: Int64 = 0
        if zone == UInt8(ascii: "+") || zone == UInt8(ascii: "-") {
            guard let hours = digits(2), take(":") != nil, let minutes = digits(2), hours < 24, minutes < 60 else { return nil }
            offset = (hours * 60 + minutes) * (zone == UInt8(ascii: "-") ? -1 : 1)
        }
        guard bytes.isEmpty else { return nil }
        let days = Self.days(fromCivil: year, month, day)
        self.milliseconds = ((days * 1440 + hour * 60 + minute - offset) * 60 + min(second, 59)) * 1000 + fraction
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, counted in eras of 400 years that begin in
    /// March.
    private static func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

extension Int64 {
    fileprivate func quotientAndRemainderFlooring(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = self.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
