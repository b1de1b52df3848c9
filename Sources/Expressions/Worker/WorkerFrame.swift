import BridgeCore
import NIOCore

/// The frames between the program and a worker: a length of four bytes, then a message.
///
/// Numbers are little-endian. A message of the program begins with its ``Kind``. The worker answers each but
/// ``Kind/forget``, in order. The program does not trust the answers: an event may have taken over the worker.
enum WorkerFrame {
    /// The requests of the program.
    enum Kind: UInt8 {
        /// A number, the variables and the time limit; then the program's text.
        ///
        /// Answered by one byte, 1 for done, and the compiler's messages.
        case compile = 1
        /// The number of a program that is no longer needed.
        case forget = 2
        /// The time limits for each item and for all (0 for none), the variables, the inputs, and the items: the numbers of a program and
        /// of an input. Answered by the results of the first items: of all of them, unless they are long or take long.
        case evaluate = 3
    }

    /// The first byte of a result.
    enum Result: UInt8 {
        case none, null, `false`, `true`, number, string, json, error
    }

    /// Items in one frame at most.
    static let itemLimit = 256
    /// Bytes of events in a frame, but for one that is longer.
    static let inputLimit = 4 << 20
    /// Bytes of one result.
    static let resultLimit = 16 << 20
    /// Bytes of results after which the worker answers with what it has.
    static let answerLimit = 8 << 20

    /// A frame with its length in front.
    static func make(_ body: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.writeInteger(UInt32(0), endianness: .little)
        body(&frame)
        Self.finish(&frame)
        return frame
    }

    /// Writes the length in front of what follows it.
    static func finish(_ frame: inout ByteBuffer) {
        frame.setInteger(UInt32(frame.readableBytes - 4), at: frame.readerIndex, endianness: .little)
    }

    static func compile(_ number: UInt32, _ text: JQProgramText, milliseconds: UInt32) -> ByteBuffer {
        Self.make { frame in
            frame.writeInteger(Kind.compile.rawValue)
            frame.writeInteger(number, endianness: .little)
            frame.writeInteger(text.variables.rawValue)
            frame.writeInteger(milliseconds, endianness: .little)
            frame.writeString(text.program)
        }
    }

    static func forget(_ number: UInt32) -> ByteBuffer {
        Self.make { frame in
            frame.writeInteger(Kind.forget.rawValue)
            frame.writeInteger(number, endianness: .little)
        }
    }

    /// - Parameters:
    ///   - variables: those that some of the items use.
    ///   - items: each the number of a program and the place of its input.
    ///   - milliseconds: processor time for each item.
    ///   - total: for all of them; 0 for no limit.
    static func evaluate(
        _ inputs: [ExpressionInput], _ variables: JQVariables, _ items: [(program: UInt32, input: Int)], milliseconds: UInt32,
        total: UInt32
    ) -> ByteBuffer {
        Self.make { frame in
            frame.writeInteger(Kind.evaluate.rawValue)
            frame.writeMultipleIntegers(milliseconds, total, endianness: .little)
            frame.writeInteger(variables.rawValue)
            frame.writeInteger(UInt32(inputs.count), endianness: .little)
            for input in inputs { Self.write(input, variables, into: &frame) }
            frame.writeInteger(UInt32(items.count), endianness: .little)
            for item in items {
                frame.writeInteger(item.program, endianness: .little)
                frame.writeInteger(UInt32(item.input), endianness: .little)
            }
        }
    }

    private static func write(_ input: ExpressionInput, _ variables: JQVariables, into frame: inout ByteBuffer) {
        frame.writeField(input.json)
        if variables.contains(.source) { frame.writeField(input.source) }
        if variables.contains(.subject) || variables.contains(.segments) { frame.writeField(input.subject) }
        if variables.contains(.attributes) {
            frame.writeInteger(UInt32(input.attributes.elements.count), endianness: .little)
            for (name, value) in input.attributes.elements {
                frame.writeField(name)
                frame.writeField(value)
            }
        }
        if variables.contains(.raw) { frame.writeField(input.raw) }
        if variables.contains(.now) {
            frame.writeInteger((Double(input.now.milliseconds) / 1000).bitPattern, endianness: .little)
        }
    }

    /// Reads the answer to ``compile(_:_:milliseconds:)``.
    ///
    /// - Returns: what the compiler complained of, `nil` inside when there is a program; `nil` when this is no answer.
    static func complaints(_ answer: ByteBuffer) -> [String]?? {
        var answer = answer
        guard let mark: UInt8 = answer.readInteger() else { return nil }
        var complaints: [String] = []
        while answer.readableBytes > 0 {
            guard let complaint = answer.readField() else { return nil }
            complaints.append(String(buffer: complaint))
        }
        return .some(mark == 1 ? nil : complaints)
    }

    /// Reads the answer to ``evaluate(_:_:_:milliseconds:total:)``.
    ///
    /// - Parameter count: the number of requested items.
    /// - Returns: the results of the first items, at least one, and the processor time they took; `nil` when this is no answer.
    static func results(
        _ answer: ByteBuffer, of count: Int
    ) -> (results: [Swift.Result<ExpressionValue, ExpressionError>], time: Duration)? {
        var answer = answer
        guard let (found, milliseconds) = answer.readMultipleIntegers(endianness: .little, as: (UInt32, UInt32).self),
            (1...count).contains(Int(found))
        else { return nil }
        var results: [Swift.Result<ExpressionValue, ExpressionError>] = []
        results.reserveCapacity(Int(found))
        for _ in 0..<found {
            guard let byte: UInt8 = answer.readInteger(), let kind = Result(rawValue: byte) else { return nil }
            switch kind {
            case .none: results.append(.success(.none))
            case .null: results.append(.success(.null))
            case .false: results.append(.success(.bool(false)))
            case .true: results.append(.success(.bool(true)))
            case .number:
                guard let bits: UInt64 = answer.readInteger(endianness: .little) else { return nil }
                let number = Double(bitPattern: bits)
                guard number.isFinite else { return nil }
                results.append(.success(.number(number)))
            case .string, .json, .error:
                guard let field = answer.readField() else { return nil }
                let text = String(buffer: field)
                switch kind {
                case .string: results.append(.success(.string(text)))
                case .json: results.append(.success(.json(text)))
                default: results.append(.failure(ExpressionError(text, quotesEvent: true)))
                }
            }
        }
        return answer.readableBytes == 0 ? (results, .milliseconds(Int64(milliseconds))) : nil
    }
}

extension ByteBuffer {
    /// Writes a length of four bytes and a text.
    mutating func writeField(_ text: String) {
        self.writeInteger(UInt32(text.utf8.count), endianness: .little)
        self.writeString(text)
    }

    /// Writes a length of four bytes and bytes.
    mutating func writeField(_ bytes: ByteBuffer) {
        self.writeInteger(UInt32(bytes.readableBytes), endianness: .little)
        self.writeImmutableBuffer(bytes)
    }

    /// Writes a length of four bytes and bytes.
    mutating func writeField(_ bytes: UnsafeRawBufferPointer) {
        self.writeInteger(UInt32(bytes.count), endianness: .little)
        self.writeBytes(bytes)
    }

    /// Reads a field written by `writeField`; `nil` when it is incomplete.
    mutating func readField() -> ByteBuffer? {
        guard let count: UInt32 = self.getInteger(at: self.readerIndex, endianness: .little),
            Int(count) <= self.readableBytes - 4
        else { return nil }
        self.moveReaderIndex(forwardBy: 4)
        return self.readSlice(length: Int(count))
    }
}
