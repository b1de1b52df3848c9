/// Rates for people.
enum Rate {
    /// A rate with three digits at most: `0`, `0.25`, `12.5`, `340`, `12k`.
    static func text(_ rate: Double) -> String {
        switch rate {
        case ..<0.005: "0"
        case ..<10: self.rounded(rate, digits: 100)
        case ..<100: self.rounded(rate, digits: 10)
        case ..<10_000: "\(Int(rate.rounded()))"
        case ..<10_000_000: "\(Int((rate / 1000).rounded()))k"
        default: "\(Int(exactly: (rate / 1_000_000).rounded()) ?? .max)M"
        }
    }

    private static func rounded(_ value: Double, digits: Int) -> String {
        let scaled = Int((value * Double(digits)).rounded())
        let (whole, rest) = scaled.quotientAndRemainder(dividingBy: digits)
        guard rest > 0 else { return "\(whole)" }
        var fraction = String(rest)
        while fraction.utf8.count < String(digits).utf8.count - 1 { fraction = "0" + fraction }
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(whole).\(fraction)"
    }
}
