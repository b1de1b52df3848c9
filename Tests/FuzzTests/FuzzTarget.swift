/// One parser that reads what others write, fed with any bytes.
///
/// In the test suite each target runs over its seeds and some mutations of them; `deploy/fuzz` builds the same targets for libFuzzer.
struct FuzzTarget: Sendable {
    let name: String
    /// Inputs to begin with.
    let seeds: [[UInt8]]
    /// Pieces of the grammar, for libFuzzer's dictionary and the mutations of the test suite.
    let words: [String]
    /// Parses one input.
    ///
    /// - Throws: ``FuzzFailure`` when the result contradicts the parser's own guarantees.
    let run: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, seeds: [String], words: [String] = [], run: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.init(name, seeds: seeds.map { Array($0.utf8) }, words: words, run: run)
    }

    init(_ name: String, seeds: [[UInt8]], words: [String] = [], run: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.seeds = seeds
        self.words = words
        self.run = run
    }

    static let all: [FuzzTarget] = [
        // What peers send over the network.
        http1Connection, http2Connection, requestHead, together("policy", hosts, forwarded), query, streamParameters, credentials,
        together("grants", tokens, hookAnswers), webhook, answerHeads, eventStream, compression, decompression, mqttPackets,
        redisReplies, redisEntries, json, normaliser, decodings, streamFormat, lines,
        // What the program's own processes and files say.
        workerFrames, logRows, cursors,
        // What the file and clients write.
        configuration, together("settings", addresses, times, zones), together("patterns", subjects, topics),
        together("templates", templates, paths), expressionTexts, regularExpressions,
    ]

    /// Targets that the test suite alone runs: under the sanitizer libmosquitto would allocate by the C library what we free by the
    /// sanitizer's functions.
    static let unsanitized: [FuzzTarget] = [mqttBroker]

    /// One target for parsers of similar texts: each gets every input.
    private static func together(_ name: String, _ targets: FuzzTarget...) -> FuzzTarget {
        FuzzTarget(name, seeds: targets.flatMap(\.seeds), words: targets.flatMap(\.words)) { bytes in
            for target in targets { try target.run(bytes) }
        }
    }
}

/// What a parser promised and did not keep.
struct FuzzFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// - Throws: a failure when the condition does not hold.
    static func unless(_ condition: Bool, _ description: @autoclosure () -> String) throws {
        if !condition { throw FuzzFailure(description()) }
    }
}

/// Takes an input apart into values: the bytes at its end choose, the rest is text.
struct FuzzInput {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.rest = bytes[...] }

    /// A number below `bound`, from the last byte that is left; 0 when none is.
    mutating func number(below bound: Int) -> Int {
        guard let byte = self.rest.popLast() else { return 0 }
        return Int(byte) % bound
    }

    /// Everything that is left.
    var bytes: [UInt8] { Array(self.rest) }
    /// Everything that is left, malformed UTF-8 repaired.
    var text: String { String(decoding: self.rest, as: UTF8.self) }

    /// The text before and after the first NUL.
    var pair: (String, String) {
        let parts = self.rest.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        return (String(decoding: parts[0], as: UTF8.self), parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "")
    }
}
