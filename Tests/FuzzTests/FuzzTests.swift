import BridgeTesting
import Testing

/// Every fuzz target over its seeds, inputs that once made it fail, and some random mutations.
///
/// `deploy/fuzz` runs the same targets under libFuzzer, guided by coverage.
@Suite(.timeLimit(.minutes(2)))
struct FuzzTests {
    private static let targets = FuzzTarget.all + FuzzTarget.unsanitized

    @Test(arguments: Self.targets.map(\.name)) func `any bytes are parsed or refused`(by name: String) throws {
        let target = try #require(Self.targets.first { $0.name == name })
        for seed in target.seeds { try Self.run(target, seed) }
        for seed in FuzzRegressions.inputs[name] ?? [] { try Self.run(target, seed) }
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<300 {
            var input = target.seeds.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...6, using: &generator) { Self.mutate(&input, target, &generator) }
            try Self.run(target, input)
        }
    }

    @Test func `targets and regressions have distinct names`() {
        let names = Self.targets.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(FuzzRegressions.inputs.keys.allSatisfy(names.contains))
    }

    private static func run(_ target: FuzzTarget, _ input: [UInt8]) throws {
        do {
            try target.run(input)
        } catch {
            Issue.record(error, "\(target.name): \(String(decoding: input, as: UTF8.self).debugDescription), \(input)")
        }
    }

    private static func mutate(_ input: inout [UInt8], _ target: FuzzTarget, _ generator: inout SeededGenerator) {
        let index = Int.random(in: 0...input.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: input.insert(.random(in: 0...255, using: &generator), at: index)
        case 1: input.insert(contentsOf: Array((target.words.randomElement(using: &generator) ?? "x").utf8), at: index)
        case 2 where index < input.count: input[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 3 where index < input.count:
            input.removeSubrange(index..<min(input.count, index + Int.random(in: 1...8, using: &generator)))
        default: input.insert(contentsOf: target.seeds.randomElement(using: &generator) ?? [], at: index)
        }
    }
}
