import BridgeCore

/// The table of `top`: what changed between two readings of the metrics, and what is.
struct TopTable {
    private let before: MetricFigures
    private let now: MetricFigures
    private let seconds: Double

    init(_ before: MetricFigures, _ now: MetricFigures) {
        self.before = before
        self.now = now
        self.seconds = max(0.001, Double((now.time - before.time).milliseconds) / 1000)
    }

    /// The columns: names are long, figures are right-aligned.
    private static let header = ["", "NAME", "TYPE", "STATE", "EVENTS/S", "EVENTS", "BACKLOG", "DROPPED", "DEAD", "ERRORS"]

    /// The lines of the table.
    var lines: [String] {
        let rows = self.components("source") + self.components("sink") + self.routes
        let table = [Self.header] + rows
        let widths = Self.header.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.map { row in
            var line = ""
            for (column, text) in row.enumerated() {
                let space = String(repeating: " ", count: widths[column] - text.count)
                line += (column == 0 ? "" : "  ") + (column < 4 ? text + space : space + text)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    private func components(_ direction: String) -> [[String]] {
        let events = "streambridge_events_\(direction == "source" ? "received" : "sent")_total"
        return self.now.all(events).filter { $0.labels["direction"] == direction }
            .sorted { ($0.labels["component"] ?? "") < ($1.labels["component"] ?? "") }
            .map { series in
                let name = series.labels["component"] ?? ""
                let labels = ["component": name, "direction": direction]
                let isUp = self.now.sum("streambridge_component_up", labels)
                return [
                    direction, Self.cell(name), series.labels["kind"] ?? "", isUp.map { $0 > 0 ? "up" : "DOWN" } ?? "",
                    self.rate(events, labels), Self.number(series.value), self.total("streambridge_queue_events", labels),
                    self.total("streambridge_events_dropped_total", labels),
                    self.total("streambridge_dead_letters_total", labels),
                    self.total("streambridge_errors_total", labels),
                ]
            }
    }

    /// Routes have figures only where they have tools, expressions or are switched off.
    private var routes: [[String]] {
        let names = [
            "streambridge_route_events_dropped_total", "streambridge_route_held", "streambridge_route_errors_total",
            "streambridge_route_off_events_total",
        ]
        let routes = Set(names.flatMap { self.now.all($0).compactMap { $0.labels["route"] } })
        return routes.sorted().map { route in
            let labels = ["route": route]
            let isOff = self.now.sum(names[3], labels) != nil
            return [
                "route", Self.cell(route), "", isOff ? "was off" : "", "", "", self.total(names[1], labels),
                self.total(names[0], labels), "",
                self.total(names[2], labels),
            ]
        }
    }

    private func rate(_ name: String, _ labels: [String: String]) -> String {
        let change = (self.now.sum(name, labels) ?? 0) - (self.before.sum(name, labels) ?? 0)
        return Rate.text(max(0, change) / self.seconds)
    }

    /// A figure; empty where the component has none of that name.
    private func total(_ name: String, _ labels: [String: String]) -> String {
        self.now.sum(name, labels).map(Self.number) ?? ""
    }

    private static func number(_ value: Double) -> String { Int(exactly: value.rounded()).map { "\($0)" } ?? "\(value)" }

    /// A name without characters that a terminal interprets, of a length that leaves room for the figures.
    private static func cell(_ name: String) -> String {
        let name = SafeText.sentence(name)
        return name.count > 32 ? "\(name.prefix(31))…" : name
    }
}
