import JSON

/// The severity of a message, from its level, its state and its hazards.
///
/// An explicit priority wins; then a recovery, such as `resolved`; then the worse of level and state.
struct Severity {
    private var given: Int?
    private var level: (priority: Int, distance: Int, isNumber: Bool)?
    /// A level from 0 to 7, which means something only in messages of syslog.
    private var syslogLevel: Int?
    private var hasState = false
    private var danger: Int?
    private var condition: (word: SeverityWord, text: String, distance: Int)?

    /// 1 to 5; `nil` when unknown.
    ///
    /// - Parameter hasMessage: whether there is a text. Beside a state without one, a number is the level of a light or a tank.
    func priority(hasMessage: Bool) -> Int? {
        if let given { return given }
        let condition = self.condition?.word
        if condition?.isEnd == true { return condition?.priority }
        // A good state does not make an error harmless, and a low level does not make a failure harmless.
        let isMeasured = self.hasState && !hasMessage && self.level?.isNumber == true
        let level = isMeasured ? 0 : self.level?.priority ?? 0
        let worst = max(level, self.danger ?? 0, condition?.priority ?? 0)
        return worst > 0 ? worst : nil
    }

    /// The word of a state that has a priority, as the sender writes it.
    var state: String? { self.condition?.text }

    /// Whether there is a number that may be a severity of syslog.
    var hasSyslogLevel: Bool { self.syslogLevel != nil }

    /// Records that the number is a severity of syslog.
    mutating func takeSyslogLevel() {
        if let syslogLevel { self.given = SyslogShape.priority(ofSeverity: syslogLevel) }
    }

    /// Records an explicit priority: a number overrides everything, a word counts as a level.
    mutating func take(priority value: JSONElement) {
        guard let priority = JSONFields.priority(value) ?? value.string.flatMap({ SeverityWord($0)?.priority }) else { return }
        if let text = value.string, Double(decimal: text) == nil {
            self.level = (priority, 0, false)
        } else {
            self.given = priority
        }
    }

    /// Records a hazard.
    mutating func set(_ priority: Int, distance: Int) {
        guard distance < 3000 else { return }
        self.danger = max(priority, self.danger ?? 1)
    }

    /// Records a level: a word, or a number of a logger (20 to 60).
    mutating func take(level value: JSONElement, distance: Int) {
        guard distance <= self.level?.distance ?? .max else { return }
        let priority: Int?
        if let text = value.string {
            priority = SeverityWord(text)?.priority
        } else if let number = value.integer, number >= 20, number <= 60, number % 10 == 0 {
            priority = number >= 60 ? 5 : number >= 40 ? 4 : number >= 30 ? 3 : 1
        } else {
            priority = nil
        }
        let number = value.integer ?? value.string.flatMap { Int64($0) }
        if let number, (0...7).contains(number) { self.syslogLevel = Int(number) }
        if let priority { self.level = (priority, distance, value.string == nil) }
    }

    /// Records a state whose name is not a usual one, such as `gcode_state`, if it is a failure.
    mutating func take(partialState value: JSONElement, distance: Int) {
        guard let text = value.string, let word = SeverityWord(text), word.priority >= 4, !word.isLevel, !word.isAvailability
        else {
            return
        }
        self.take(state: value, distance: distance)
    }

    /// Records a state, if its word has a severity.
    mutating func take(state value: JSONElement, distance: Int) {
        self.hasState = self.hasState || value.string != nil
        guard distance <= self.condition?.distance ?? .max, let text = value.string, let word = SeverityWord(text) else { return }
        // In a nested object, `available` may refer to a firmware.
        guard !word.isAvailability || distance < 3000 else { return }
        self.condition = (word, text, distance)
    }
}
