import Synchronization

/// All metrics of the program by name and labels, rendered as Prometheus text (exposition format 0.0.4).
///
/// Thread-safe. Each metric is found once under a lock; counters and gauges are then single atomics.
package final class Metrics: Sendable {
    /// One label; the value may be any text.
    package typealias Label = (name: String, value: String)

    private let families = Mutex<[String: Family]>([:])

    /// Makes an empty registry.
    package init() {}

    /// The counter with this name and these labels, created at the first call; traps when these have another type.
    ///
    /// - Parameter help: the description of the name; the first call decides.
    package func counter(_ name: String, help: String, labels: [Label] = []) -> Counter {
        self.figure(name, help: help, type: "counter", labels: labels) { Counter() }
    }

    /// The gauge with this name and these labels, created at the first call; traps when these have another type.
    ///
    /// - Parameter help: the description of the name; the first call decides.
    package func gauge(_ name: String, help: String, labels: [Label] = []) -> Gauge {
        self.figure(name, help: help, type: "gauge", labels: labels) { Gauge() }
    }

    /// The histogram with this name and these labels, created at the first call; traps when these have another type.
    ///
    /// - Parameter help: the description of the name; the first call decides.
    package func histogram(_ name: String, help: String, labels: [Label] = []) -> Histogram {
        self.figure(name, help: help, type: "histogram", labels: labels) { Histogram() }
    }

    /// The registry in the exposition format, names and labels in alphabetical order.
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

    /// The sum of the counters with this name; 0 when there is none.
    ///
    /// - Parameter label: one that they must have; `nil` for all.
    package func total(of name: String, with label: Label? = nil) -> Int {
        let part = label.map { "\($0.name)=\"\(Self.escaped($0.value))\"" } ?? ""
        return self.families.withLock { families in
            guard let family = families[name] else { return 0 }
            return family.figures.reduce(0) { sum, figure in
                part.isEmpty || figure.key.contains(part) ? sum + ((figure.value as? Counter)?.value ?? 0) : sum
            }
        }
    }

    /// Removes all figures with these labels, because what they describe is gone.
    ///
    /// A figure that somebody still holds is no longer rendered.
    package func remove(labels: [Label]) {
        let key = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        self.families.withLock { families in
            for name in families.keys {
                let isPart = { (figure: String) in figure == key || figure.hasPrefix(key + ",") }
                guard let figures = families[name]?.figures, figures.keys.contains(where: isPart) else { continue }
                families[name]?.figures = figures.filter { !isPart($0.key) }
                if families[name]?.figures.isEmpty == true { families[name] = nil }
            }
        }
    }

    private func figure<Kind: Figure>(
        _ name: String, help: String, type: String, labels: [Label], make: () -> Kind
    ) -> Kind {
        let key = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        return self.families.withLock { families in
            if let family = families[name], let known = family.figures[key] {
                guard let figure = known as? Kind else {
                    preconditionFailure("the metric \(name) is requested as \(type) and is a \(family.type)")
                }
                return figure
            }
            let figure = make()
            // In place: a copy for each would make a thousand components slow to start.
            families[name, default: Family(help: help, type: type, figures: [:])].figures[key] = figure
            return figure
        }
    }

    /// The value of a label with backslash, quote and line feed escaped.
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

/// One metric with its labels, which renders its lines.
protocol Figure: Sendable {
    func render(name: String, labels: String, into text: inout String)
}

/// A number that only grows.
///
/// Thread-safe and wait-free.
package final class Counter: Figure {
    private let count = Atomic<Int>(0)

    init() {}

    /// Adds `amount`, 0 or more.
    package func increment(by amount: Int = 1) {
        self.count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The current value.
    package var value: Int { self.count.load(ordering: .relaxed) }

    func render(name: String, labels: String, into text: inout String) {
        text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(self.value)\n"
    }
}

/// A number that rises and falls.
///
/// Thread-safe and wait-free.
package final class Gauge: Figure {
    private let current = Atomic<Int>(0)

    init() {}

    /// Sets the value.
    package func set(_ value: Int) {
        self.current.store(value, ordering: .relaxed)
    }

    /// Adds `amount`, which may be negative.
    package func add(_ amount: Int) {
        self.current.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The current value.
    package var value: Int { self.current.load(ordering: .relaxed) }

    func render(name: String, labels: String, into text: inout String) {
        text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(self.value)\n"
    }
}
