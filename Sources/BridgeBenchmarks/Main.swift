import Expressions

#if canImport(Glibc)
import Glibc
#endif

/// `bridge-bench run | check | record [NAME…]`: measures, compares with the recorded results, or records new ones.
@main
struct Main {
    static let all: [Benchmark] =
        NormalisingBenchmarks.all + RoutingBenchmarks.all + DeliveryBenchmarks.all + ExpressionBenchmarks.all

    static func main() {
        // The worker of the expressions is this program.
        if ExpressionWorker.isWanted { ExpressionWorker.run() }
        let arguments = CommandLine.arguments.dropFirst()
        let verb = arguments.first ?? "run"
        guard ["run", "check", "record"].contains(verb) else {
            print("usage: bridge-bench run | check | record [name…]")
            exit(EX_USAGE)
        }
        let wanted = arguments.dropFirst()
        let thresholds = Thresholds.recorded
        var failed = 0
        var results: [(name: String, figures: Figures)] = []
        for benchmark in Self.all where wanted.isEmpty || wanted.contains(where: { benchmark.name.contains($0) }) {
            let figures = benchmark.measure()
            results.append((benchmark.name, figures))
            let isAllowed = verb != "check" || thresholds.allow(benchmark.name, figures)
            if !isAllowed { failed += 1 }
            let time = "\(Int(figures.nanoseconds.rounded())) ns"
            let allocations = "\(Thresholds.rounded(figures.allocations)) allocations"
            let verdict =
                isAllowed ? "" : "  more than recorded: \(thresholds.allocations[benchmark.name].map { "\($0)" } ?? "nothing")"
            print("\(benchmark.name): \(time), \(allocations) per event\(verdict)")
        }
        if verb == "record" { Thresholds.record(results) }
        if verb == "check" { print("\(results.count - failed) passed, \(failed) failed") }
        exit(failed == 0 ? 0 : 1)
    }
}
