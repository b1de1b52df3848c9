import BridgeCore
import CJq
import JSON
import NIOCore

@testable import Expressions

extension FuzzTarget {
    /// What an expression worker answers, which is not trusted; and what the program sends it, which arrives as it was sent.
    static let workerFrames = FuzzTarget(
        "worker-frames",
        seeds: Self.frames,
        words: ["\u{1}\u{0}\u{0}\u{0}", "\u{0}\u{0}\u{0}\u{0}", "{\"a\":", "9007199254740993", "[", "]"]
    ) { bytes in
        var input = FuzzInput(bytes)
        let count = 1 + input.number(below: 4)
        let answer = ByteBuffer(bytes: input.bytes)
        if let results = WorkerFrame.results(answer, of: count) {
            try FuzzFailure.unless((1...count).contains(results.results.count), "\(results.results.count) results of \(count)")
            for case .success(.number(let number)) in results.results {
                try FuzzFailure.unless(number.isFinite, "the number \(number)")
            }
        }
        _ = WorkerFrame.complaints(answer)
        let variables = JQVariables(rawValue: UInt8(input.number(below: 64)))
        var frame = answer
        _ = JQInput(&frame, variables)
        try Self.roundTrip(input.text, variables)
    }

    /// Answers, and an event, with the selecting bytes after them.
    private static let frames: [[UInt8]] = [
        [1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0], [3, 0, 0, 0, 9, 0, 0, 0, 0, 2, 3, 3],
        [2, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0, 0, 0, 0xC3, 0xA9, 7, 1, 0, 0, 0, 65, 2], [1, 3, 0, 0, 0, 97, 98, 99, 1],
        Array("{\"a\":[308125194256523266,1.5,{}]}?\u{1}".utf8),
    ]

    /// An event goes to the worker and returns as a result, in the worker's own code except the program that it runs.
    private static func roundTrip(_ text: String, _ variables: JQVariables) throws {
        guard (try? JSONParser().parse(ByteBuffer(string: text))) != nil else { return }
        let event = Event(
            id: "1", title: nil, message: "", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
            json: ByteBuffer(string: text), source: text, subject: text, attributes: Attributes([(text, text)]),
            raw: ByteBuffer(string: text))
        let sent = ExpressionInput(event: event, now: Timestamp(milliseconds: 1))
        var frame = WorkerFrame.evaluate([sent], variables, [(program: 7, input: 0)], milliseconds: 5, total: 6)
        frame.moveReaderIndex(forwardBy: 4)
        let head: (UInt8, UInt32, UInt32)? = frame.readMultipleIntegers(endianness: .little)
        let (mask, inputs): (UInt8, UInt32) = frame.readMultipleIntegers(endianness: .little) ?? (0, 0)
        guard let head, head == (WorkerFrame.Kind.evaluate.rawValue, 5, 6), mask == variables.rawValue, inputs == 1,
            let input = JQInput(&frame, variables),
            let (items, program, index): (UInt32, UInt32, UInt32) = frame.readMultipleIntegers(endianness: .little)
        else { throw FuzzFailure("a frame does not arrive as it was sent") }
        try FuzzFailure.unless((items, program, index) == (1, 7, 0) && frame.readableBytes == 0, "a frame is longer or shorter")
        guard case .success(let arguments) = input.arguments(variables, isLast: true) else { return }
        let result = jv_array_get(arguments, 0)
        var answer = ByteBuffer()
        answer.writeMultipleIntegers(UInt32(1), UInt32(0), endianness: .little)
        JQValue.write(result, of: input, into: &answer)
        guard let read = WorkerFrame.results(answer, of: 1)?.results.first else { throw FuzzFailure("a result cannot be read") }
        // libjq leaves out what is nested too deeply.
        guard case .success(.json(let json)) = read, !json.contains("<skipped: too deep>") else { return }
        try FuzzFailure.unless(
            (try? JSONParser().parse(ByteBuffer(string: json))) != nil, "\(text) comes back as \(json)")
    }

    /// What is looked at in an expression's text, and in what jq's compiler says of it, before and after it compiles.
    static let expressionTexts = FuzzTarget(
        "expression-texts",
        seeds: [
            ".title | upper", ".payload.a == 'x' && true", "$__loc__", "$ENV.HOME", "$ E", "env | input\u{0}",
            "\"\\($subject)\" # now",
            ".a.contains(\"x\")", "jq: error: upper/0 is not defined at <top-level>, line 1:\u{0}", ".a = 1 | .b", "if .a",
            "\"\\",
        ],
        words: [
            "$ENV", "$subject", "env", "input", "halt_error", "\"", "\\(", "#", "\n", " && ", "is not defined",
            " at <top-level>, line ",
        ]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        _ = JQAdvice.remedy(for: text, message: text)
        _ = JQAdvice.mistakeInCondition(text)
        let (message, other) = FuzzInput(bytes).pair
        _ = JQMessages.error(from: [message, other])
        guard let program = try? JQProgramText(text) else { return }
        try FuzzFailure.unless(!text.utf8.contains(0), "a text with NUL is compiled in part only")
        let prefix = program.program.utf8.dropLast(text.utf8.count)
        try FuzzFailure.unless(
            program.program.utf8.suffix(text.utf8.count).elementsEqual(text.utf8) && !prefix.contains(10),
            "the lines of the program are not those of the text")
    }
}
