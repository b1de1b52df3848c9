#if canImport(Glibc)
import Glibc
#endif

/// How many allocations per event each benchmark may make: `thresholds.txt`, a line `number name` each.
struct Thresholds {
    private(set) var allocations: [String: Double]

    /// Those that were recorded when the program was built.
    static var recorded: Thresholds {
        var allocations: [String: Double] = [:]
        for line in String(decoding: PackageResources.thresholds_txt, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let number = Double(parts[0]) else {
                preconditionFailure("thresholds.txt: '\(line)' is not a number and a name")
            }
            allocations[String(parts[1])] = number
        }
        return Thresholds(allocations: allocations)
    }

    /// Writes `thresholds.txt` next to this file, for the next build.
    static func record(_ results: [(name: String, figures: Figures)]) {
        let path = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/thresholds.txt"
        guard let file = fopen(path, "w") else {
            print("\(path): \(String(cString: strerror(errno)))")
            exit(1)
        }
        for (name, figures) in results { fputs("\(Self.rounded(figures.allocations)) \(name)\n", file) }
        fclose(file)
    }

    /// Whether a benchmark stays within what is recorded for it; one that is not recorded does not.
    func allow(_ name: String, _ figures: Figures) -> Bool {
        guard let allowed = self.allocations[name] else { return false }
        // What grows now and then (a hash table, a queue) falls into one run or another.
        return figures.allocations <= allowed + 0.25
    }

    /// To hundredths.
    static func rounded(_ allocations: Double) -> Double {
        (allocations * 100).rounded() / 100
    }
}
