package import BridgeCore
import CJq
import NIOCore
import Synchronization

/// One compiled jq expression.
///
/// libjq's interpreter belongs to one thread at a time and its values are counted without atomics, so both are made, used and freed
/// under this expression's lock. Only the first result counts. Numbers are IEEE doubles, as in jq 1.6: integers beyond 2^53 lose
/// digits. An event's JSON may be nested 256 deep.
package final class JQExpression: Expression {
    private let variables: [JQProgramText.Variable]
    private let handle: Mutex<JQHandle>
    private let evaluation = JQEvaluation()
    private let watchdog: JQWatchdog

    /// - Throws: ``ExpressionError`` with the line, where libjq knows it.
    init(_ text: String, watchdog: JQWatchdog) throws(ExpressionError) {
        let program = try JQProgramText(text)
        self.variables = program.variables
        self.handle = Mutex(try JQHandle(program.program))
        self.watchdog = watchdog
        watchdog.watch(self.evaluation)
    }

    deinit {
        self.watchdog.forget(self.evaluation)
    }

    package func evaluate(_ input: ExpressionInput) throws -> ExpressionValue {
        try self.handle.withLock { handle throws(ExpressionError) in
            jq_start(handle.state.pointer, try self.value(of: input), 0)
            self.evaluation.begin(handle.state)
            self.watchdog.evaluationBegan()
            let result = jq_next(handle.state.pointer)
            guard !self.evaluation.end() else {
                jv_free(result)
                throw ExpressionError("the evaluation took longer than \(self.watchdog.limit) and was ended")
            }
            return try Self.value(of: result)
        }
    }

    /// What the program takes apart: the event, then the variables it uses.
    private func value(of input: ExpressionInput) throws(ExpressionError) -> jv {
        let event = input.json.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return jv_null() }
            return jv_parse_sized(start.assumingMemoryBound(to: CChar.self), Int32(clamping: bytes.count))
        }
        guard jv_get_kind(event) != JV_KIND_INVALID else {
            throw ExpressionError("jq cannot read the event: \(Self.message(of: event))")
        }
        var array = jv_array_append(jv_array_sized(Int32(self.variables.count + 1)), event)
        for variable in self.variables {
            array = jv_array_append(array, Self.value(of: variable, in: input))
        }
        return array
    }

    private static func value(of variable: JQProgramText.Variable, in input: ExpressionInput) -> jv {
        switch variable {
        case .source: return Self.string(input.source)
        case .subject: return Self.string(input.subject)
        case .segments:
            var array = jv_array()
            guard !input.subject.isEmpty else { return array }
            for segment in input.subject.split(separator: "/", omittingEmptySubsequences: false) {
                array = jv_array_append(array, Self.string(String(segment)))
            }
            return array
        case .attributes:
            var object = jv_object()
            // From the last to the first, so that of a repeated name the first stays.
            for (name, value) in input.attributes.elements.reversed() {
                object = jv_object_set(object, Self.string(name), Self.string(value))
            }
            return object
        case .raw:
            return input.raw.withUnsafeReadableBytes(Self.string)
        case .now: return jv_number(Double(input.now.milliseconds) / 1000)
        }
    }

    private static func string(_ text: String) -> jv {
        var text = text
        return text.withUTF8 { Self.string(UnsafeRawBufferPointer($0)) }
    }

    /// libjq replaces what is not UTF-8.
    private static func string(_ bytes: UnsafeRawBufferPointer) -> jv {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return jv_string("") }
        return jv_string_sized(start.assumingMemoryBound(to: CChar.self), Int32(clamping: bytes.count))
    }

    /// Reads a result and frees it.
    private static func value(of result: jv) throws(ExpressionError) -> ExpressionValue {
        switch jv_get_kind(result) {
        case JV_KIND_INVALID:
            guard jv_invalid_has_msg(jv_copy(result)) != 0 else {
                jv_free(result)
                return .none
            }
            throw ExpressionError(Self.message(of: result))
        case JV_KIND_FALSE: return .bool(false)
        case JV_KIND_TRUE: return .bool(true)
        case JV_KIND_NUMBER:
            defer { jv_free(result) }
            let number = jv_number_value(result)
            return number.isNaN ? .null : .number(min(max(number, -.greatestFiniteMagnitude), .greatestFiniteMagnitude))
        case JV_KIND_STRING: return .string(JQHandle.text(of: result))
        case JV_KIND_ARRAY, JV_KIND_OBJECT: return .json(JQHandle.text(of: jv_dump_string(result, 0)))
        default: return .null
        }
    }

    /// The message of an invalid value, which is freed.
    private static func message(of invalid: jv) -> String {
        let message = jv_invalid_get_msg(invalid)
        guard jv_get_kind(message) == JV_KIND_STRING else {
            return "error(\(JQHandle.text(of: jv_dump_string(message, 0))))"
        }
        return JQHandle.text(of: message)
    }
}
