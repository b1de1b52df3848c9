extension Int {
    /// The probable meaning: `1MiB` for `1 MB`, `10MiB` for `10M`; otherwise any example.
    static func sizeExample(near text: String) -> String {
        let number = text.prefix { $0.isASCII && $0.isNumber }
        guard !number.isEmpty else { return "64KiB" }
        switch text.dropFirst(number.count).drop(while: { $0 == " " }).lowercased() {
        case "k", "kb", "kib": return number + "KiB"
        case "m", "mb", "mib": return number + "MiB"
        case "g", "gb", "gib": return number + "GiB"
        default: return "64KiB"
        }
    }

    /// Parses a number of bytes: `512`, `64KiB`, `16MiB`, `1GiB`, or `B`, `kB`, `MB`, `GB` in powers of 1000; `nil` for
    /// any other text.
    package init?(byteCountSetting text: String) {
        let number = text.prefix { $0.isASCII && $0.isNumber }
        guard let value = Int(number) else { return nil }
        let factor: Int
        switch text.dropFirst(number.count) {
        case "", "B": factor = 1
        case "KiB": factor = 1 << 10
        case "MiB": factor = 1 << 20
        case "GiB": factor = 1 << 30
        case "kB": factor = 1000
        case "MB": factor = 1_000_000
        case "GB": factor = 1_000_000_000
        default: return nil
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self = product
    }

    /// A number of bytes as the file writes it, in the largest unit that divides it: `1536KiB`, `16B`.
    package var byteCountSetting: String {
        for (factor, unit) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        where self != 0 && self.isMultiple(of: factor) {
            return "\(self / factor)\(unit)"
        }
        return "\(self)B"
    }
}
