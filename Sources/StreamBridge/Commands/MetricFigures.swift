/// The figures of one reading of `/metrics`, by name and labels.
struct MetricFigures {
    /// One series.
    struct Series {
        let labels: [String: String]
        let value: Double
    }

    /// When they were read.
    let time: ContinuousClock.Instant
    private let series: [String: [Series]]

    /// Reads Prometheus' text (exposition format 0.0.4); lines that are no series are left out.
    init(_ text: String, time: ContinuousClock.Instant) {
        self.time = time
        var series: [String: [Series]] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let (name, found) = Self.series(line) else { continue }
            series[name, default: []].append(found)
        }
        self.series = series
    }

    /// All series of a name.
    func all(_ name: String) -> [Series] { self.series[name] ?? [] }

    /// The sum of the series of a name that have these labels; `nil` when there is none.
    func sum(_ name: String, _ labels: [String: String]) -> Double? {
        let found = self.all(name).filter { series in labels.allSatisfy { series.labels[$0.key] == $0.value } }
        return found.isEmpty ? nil : found.reduce(0) { $0 + $1.value }
    }

    private static func series(_ line: Substring) -> (String, Series)? {
        var rest = line
        let name = rest.prefix { $0 != "{" && $0 != " " }
        rest = rest[name.endIndex...]
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest.removeFirst()
            while rest.first != "}" {
                let key = rest.prefix { $0 != "=" }
                rest = rest[key.endIndex...].dropFirst()
                guard !key.isEmpty, rest.first == "\"" else { return nil }
                rest.removeFirst()
                guard let value = self.quoted(&rest) else { return nil }
                labels[String(key)] = value
                if rest.first == "," { rest.removeFirst() }
            }
            rest.removeFirst()
        }
        guard let value = Double(rest.drop { $0 == " " }.prefix { $0 != " " }) else { return nil }
        return (String(name), Series(labels: labels, value: value))
    }

    /// The value of a label up to its closing quote; `nil` when that is missing.
    private static func quoted(_ rest: inout Substring) -> String? {
        var value = ""
        while let character = rest.popFirst() {
            if character == "\"" { return value }
            guard character == "\\" else {
                value.append(character)
                continue
            }
            guard let escaped = rest.popFirst() else { return nil }
            value.append(escaped == "n" ? "\n" : escaped)
        }
        return nil
    }
}
