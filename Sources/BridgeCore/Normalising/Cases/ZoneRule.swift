/// The rule of a zone for the time after its last change, such as `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX.1-2024 §8.3, RFC 8536 §3.3).
struct ZoneRule: Sendable {
    /// A day of the year and a time of that day, in seconds.
    private enum Day: Sendable {
        /// `Mm.w.d`: a weekday of a week, 5 for the last, of a month.
        case weekday(month: Int64, week: Int64, day: Int64)
        /// `Jn`: without the 29th of February.
        case julian(Int64)
        /// `n`: from 0, with the 29th of February.
        case ordinal(Int64)
    }

    private let standard: Int64
    private let summer: (offset: Int64, start: Day, startTime: Int64, end: Day, endTime: Int64)?

    /// - Parameter text: `nil` is the result for one that is no rule.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard Self.name(&rest), let west = Self.time(&rest) else { return nil }
        self.standard = -west
        guard !rest.isEmpty else {
            self.summer = nil
            return
        }
        guard Self.name(&rest) else { return nil }
        var offset = self.standard + 3600
        if rest.first != UInt8(ascii: ","), let west = Self.time(&rest) { offset = -west }
        guard let start = Self.day(&rest), let end = Self.day(&rest), rest.isEmpty else { return nil }
        self.summer = (offset, start.day, start.time, end.day, end.time)
    }

    /// The offset at a time, in seconds east of Greenwich.
    func offset(at time: Int64) -> Int64 {
        guard let summer else { return self.standard }
        let year = Self.year(of: time + self.standard)
        let start = Self.days(toYear: year) * 86_400 + Self.seconds(summer.start, in: year) + summer.startTime - self.standard
        let end = Self.days(toYear: year) * 86_400 + Self.seconds(summer.end, in: year) + summer.endTime - summer.offset
        let isSummer = start < end ? start <= time && time < end : !(end <= time && time < start)
        return isSummer ? summer.offset : self.standard
    }

    // MARK: The calendar

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// Days from 1970 to the first of January; years from 1970 on.
    private static func days(toYear year: Int64) -> Int64 {
        let before = year - 1
        return 365 * (year - 1970) + (before / 4 - before / 100 + before / 400) - 477
    }

    private static func year(of time: Int64) -> Int64 {
        let day = max(0, time / 86_400)
        var year = 1970 + day / 366
        while self.days(toYear: year + 1) <= day { year += 1 }
        return year
    }

    /// Seconds from the beginning of a year to a day.
    private static func seconds(_ day: Day, in year: Int64) -> Int64 {
        switch day {
        case .julian(let number): return (number - 1 + (self.isLeap(year) && number >= 60 ? 1 : 0)) * 86_400
        case .ordinal(let number): return number * 86_400
        case .weekday(let month, let week, let day):
            let lengths: [Int64] = [31, self.isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            let start = lengths[..<Int(month - 1)].reduce(0, +)
            // The first of January 1970 was a Thursday.
            let weekday = (self.days(toYear: year) + start + 4) % 7
            var date = (day - weekday + 7) % 7 + (week - 1) * 7
            while date >= lengths[Int(month - 1)] { date -= 7 }
            return (start + date) * 86_400
        }
    }

    // MARK: Reading

    /// Letters, or anything in angle brackets.
    private static func name(_ rest: inout ArraySlice<UInt8>) -> Bool {
        if rest.first == UInt8(ascii: "<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[(end + 1)...]
            return true
        }
        let name = rest.prefix { (0x61...0x7A).contains($0 | 0x20) }
        rest = rest[name.endIndex...]
        return !name.isEmpty
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, in range: ClosedRange<Int64>) -> Int64? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard digits.count <= 3, let value = Int64(String(decoding: digits, as: UTF8.self)), range.contains(value) else {
            return nil
        }
        rest = rest[digits.endIndex...]
        return value
    }

    private static func take(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    /// `[+-]hh[:mm[:ss]]`, in seconds.
    private static func time(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        let isNegative = self.take(UInt8(ascii: "-"), &rest)
        if !isNegative { _ = self.take(UInt8(ascii: "+"), &rest) }
        guard let hours = self.number(&rest, in: 0...167) else { return nil }
        var seconds = hours * 3600
        for factor in [60, 1] as [Int64] where self.take(UInt8(ascii: ":"), &rest) {
            guard let value = self.number(&rest, in: 0...59) else { return nil }
            seconds += value * factor
        }
        return isNegative ? -seconds : seconds
    }

    /// `,Mm.w.d[/time]`, `,Jn[/time]` or `,n[/time]`; the time is 02:00 by default.
    private static func day(_ rest: inout ArraySlice<UInt8>) -> (day: Day, time: Int64)? {
        guard self.take(UInt8(ascii: ","), &rest) else { return nil }
        let day: Day
        if self.take(UInt8(ascii: "M"), &rest) {
            guard let month = self.number(&rest, in: 1...12), self.take(UInt8(ascii: "."), &rest),
                let week = self.number(&rest, in: 1...5), self.take(UInt8(ascii: "."), &rest),
                let weekday = self.number(&rest, in: 0...6)
            else { return nil }
            day = .weekday(month: month, week: week, day: weekday)
        } else if self.take(UInt8(ascii: "J"), &rest) {
            guard let number = self.number(&rest, in: 1...365) else { return nil }
            day = .julian(number)
        } else {
            guard let number = self.number(&rest, in: 0...365) else { return nil }
            day = .ordinal(number)
        }
        guard self.take(UInt8(ascii: "/"), &rest) else { return (day, 7200) }
        return self.time(&rest).map { (day, $0) }
    }
}
