import Synchronization

/// Every figure of the program, by name and labels, and their rendering as Prometheus text (exposition format 0.0.4).
///
/// Thread-safe. Figures are looked up under a lock, once, and are then single atomics.
package final class Metrics: Sendable {
    package typealias Label = (name: String, value: String)

    private let families = Mutex<[String: Family]>([:])

    package init() {}

    package func counter(_ name: String, help: String, labels: [Label] = []) -> Counter {
        self.figure(name, help: help, type: "counter", labels: labels) { Counter() }
    }

    package func gauge(_ name: String, help: String, labels: [Label] = []) -> Gauge {
        self.figure(name, help: help, type: "gauge", labels: labels) { Gauge() }
    }

    package func histogram(_ name: String, help: String, labels: [Label] = []) -> Histogram {
        self.figure(name, help: help, type: "histogram", labels: labels) { Histogram() }
    }

    /// The whole registry as Prometheus reads it, families and figures in alphabetical order.
    package func render() -> String {
        let families = self.families.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.type)\n"
            for (labels, figure) in family.figures.sorted(by: { $0.key < $1.key }) {
                figure.render(name: name, labels: labels, into: &text)
            }
        }
        return text
    }

    private func figure<Kind: Figure>(
        _ name: String, help: String, type: String, labels: [Label], make: () -> Kind
    ) -> Kind {
        let key = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        return self.families.withLock { families in
            var family = families[name] ?? Family(help: help, type: type, figures: [:])
            if let known = family.figures[key] {
                guard let figure = known as? Kind else {
                    preconditionFailure("the figure \(name) is asked for as \(type) and is a \(family.type)")
                }
                return figure
            }
            let figure = make()
            family.figures[key] = figure
            families[name] = family
            return figure
        }
    }

    /// A label value: backslash, quote and line feed escaped.
    private static func escaped(_ value: String) -> String {
        var result = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private struct Family: Sendable {
        let help: String
        let type: String
        var figures: [String: any Figure]
    }
}

/// One line or block of lines of the rendering.
protocol Figure: Sendable {
    func render(name: String, labels: String, into text: inout String)
}

/// A number that only grows.
package final class Counter: Figure {
    private let count = Atomic<Int>(0)

    init() {}

    package func increment(by amount: Int = 1) {
        self.count.wrappingAdd(amount, ordering: .relaxed)
    }

    package var value: Int { self.count.load(ordering: .relaxed) }

    func render(name: String, labels: String, into text: inout String) {
        text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(self.value)\n"
    }
}

/// A number that goes up and down.
package final class Gauge: Figure {
    private let current = Atomic<Int>(0)

    init() {}

    package func set(_ value: Int) {
        self.current.store(value, ordering: .relaxed)
    }

    package func add(_ amount: Int) {
        self.current.wrappingAdd(amount, ordering: .relaxed)
    }

    package var value: Int { self.current.load(ordering: .relaxed) }

    func render(name: String, labels: String, into text: inout String) {
        text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(self.value)\n"
    }
}
