/// `quiet_hours:` of a route: what happens to events between two times of day.
///
/// Both times are local to a zone. A time that clocks skip counts on as if they were not set, and of a time that comes
/// twice the first counts, so a period never begins or ends twice. Immutable.
package struct QuietHours: SettingGroup {
    /// What happens to an event within the hours.
    enum Action: String, CaseIterable, Sendable {
        /// It passes at their end, in order.
        case hold
        /// It becomes part of one event at their end.
        case digest
        /// It is dropped and counted.
        case drop
        /// It passes with a lower priority.
        case lower
    }

    /// A day of the week.
    enum Day: String, CaseIterable, Sendable {
        case mon, tue, wed, thu, fri, sat, sun
    }

    /// Minutes since midnight.
    var from = 0
    var to = 0
    var zone: LocalZone?
    /// The days on which the hours begin; `nil` for every day.
    var days: [Day]?
    var action = Action.hold
    /// The priority of `then: lower`.
    var priority: Int?
    /// Events that pass.
    var except: Matcher?

    /// The keys of `quiet_hours`.
    package static let settings = Settings<Self> {
        Setting(required: "from", \.from, .timeOfDay, "Local time at which the hours begin")
        Setting(required: "to", \.to, .timeOfDay, "Local time at which they end, on the next day if it is earlier").example(
            "'07:00'")
        Setting(required: "zone", \.zone, .someZone, "Time zone of both times, such as Europe/Berlin")
        Setting("days", \.days, .oneOrMore(of: .choice), default: "every day", "Days on which the hours begin").example(
            "[sat, sun]")
        Setting("then", \.action, .choice, "What happens to events within the hours")
        Setting("priority", \.priority, .integer(in: 1...5), default: "1", "Highest priority of an event that is lowered")
        Setting("except", \.except, .filter, "Events that pass, written as match").example("{ priority: 5 }")
    }

    /// Makes settings with the defaults.
    package init() {}

    /// Refuses hours without a length, and keys that have no effect.
    ///
    /// - Throws: ``SettingError``.
    package func validate() throws {
        if self.from == self.to {
            throw SettingError(at: "to", because: "is the same time as from; write another one")
        }
        if self.priority != nil, self.action != .lower {
            throw SettingError(at: "priority", because: "has no effect without 'then: lower'; add it or leave this out")
        }
        if self.days?.isEmpty == true {
            throw SettingError(at: "days", because: "is empty; write days such as [sat, sun], or leave it out for every day")
        }
    }

    /// When the hours end that a time is in; `nil` outside.
    func end(at now: Timestamp) -> Timestamp? {
        guard let zone else { return nil }
        let seconds = now.milliseconds.flooring(by: 1000)
        let today = (seconds + zone.offset(at: seconds)).flooring(by: 86_400)
        let length = Int64(self.to - self.from + (self.to > self.from ? 0 : 1440)) * 60
        for day in [today - 1, today] where self.days.map({ $0.contains(Self.day(day)) }) ?? true {
            let start = day * 86_400 + Int64(self.from) * 60
            let end = zone.time(ofLocal: start + length)
            if zone.time(ofLocal: start) <= seconds, seconds < end { return Timestamp(milliseconds: end * 1000) }
        }
        return nil
    }

    /// The first of January 1970 was a Thursday.
    private static func day(_ number: Int64) -> Day {
        Day.allCases[Int(((number + 3) % 7 + 7) % 7)]
    }
}

extension Int64 {
    /// The quotient, rounded down.
    fileprivate func flooring(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

extension SettingCodec where Value == Int {
    /// A time of day such as `22:00`, in minutes since midnight.
    fileprivate static var timeOfDay: Self {
        SettingCodec<String>.text("time of day").map { text throws in
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            func number(_ text: Substring, digits: ClosedRange<Int>) -> Int? {
                guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
                return Int(text)
            }
            guard parts.count == 2, let hours = number(parts[0], digits: 1...2), hours < 24,
                let minutes = number(parts[1], digits: 2...2), minutes < 60
            else {
                throw SettingError("'\(text)' is not a time of day; write hours and minutes, such as 22:00")
            }
            return hours * 60 + minutes
        }
    }
}

extension SettingCodec where Value == LocalZone? {
    fileprivate static var someZone: Self { SettingCodec<LocalZone>.zone.map { $0 } }
}
