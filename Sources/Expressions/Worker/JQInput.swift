import CJq
import NIOCore

/// One event in the worker: bytes at first, and libjq's values on demand.
final class JQInput {
    /// The event is not what libjq can read.
    struct Unreadable: Error {
        let message: String
    }

    private let json: ByteBuffer
    private var source = ByteBuffer()
    private var subject = ByteBuffer()
    private var attributes: [(name: ByteBuffer, value: ByteBuffer)] = []
    private var raw = ByteBuffer()
    private var now = 0.0
    /// The integers that a double cannot represent.
    private(set) lazy var exactNumbers = JQExactNumbers(self.json)
    /// Made at the first use.
    private var event: jv?
    private var values: [UInt8: jv] = [:]

    /// - Returns: `nil` when the frame has no complete input.
    init?(_ frame: inout ByteBuffer, _ variables: JQVariables) {
        guard let json = frame.readField() else { return nil }
        self.json = json
        func read(_ field: inout ByteBuffer) -> Bool {
            guard let found = frame.readField() else { return false }
            field = found
            return true
        }
        if variables.contains(.source) { guard read(&self.source) else { return nil } }
        if variables.contains(.subject) || variables.contains(.segments) { guard read(&self.subject) else { return nil } }
        if variables.contains(.attributes) {
            guard let count: UInt32 = frame.readInteger(endianness: .little) else { return nil }
            for _ in 0..<count {
                guard let name = frame.readField(), let value = frame.readField() else { return nil }
                self.attributes.append((name, value))
            }
        }
        if variables.contains(.raw) { guard read(&self.raw) else { return nil } }
        if variables.contains(.now) {
            guard let bits: UInt64 = frame.readInteger(endianness: .little) else { return nil }
            self.now = Double(bitPattern: bits)
        }
    }

    deinit { self.release() }

    /// Frees the values; they are made again on demand.
    func release() {
        if let event { jv_free(event) }
        self.event = nil
        for value in self.values.values { jv_free(value) }
        self.values = [:]
    }

    /// The arguments that a program unpacks: the event, then the variables it uses.
    func arguments(_ variables: JQVariables, isLast: Bool) -> Result<jv, Unreadable> {
        let event = self.event ?? JQValue.parse(self.json)
        self.event = event
        guard jv_get_kind(event) != JV_KIND_INVALID else {
            return .failure(Unreadable(message: "jq cannot read the event: \(JQValue.message(of: jv_copy(event)))"))
        }
        var array = jv_array_sized(7)
        array = jv_array_append(array, jv_copy(event))
        for (_, variable) in JQVariables.names where variables.contains(variable) {
            let value = self.values[variable.rawValue] ?? self.value(of: variable)
            self.values[variable.rawValue] = value
            array = jv_array_append(array, jv_copy(value))
        }
        if isLast { self.release() }
        return .success(array)
    }

    private func value(of variable: JQVariables) -> jv {
        switch variable {
        case .source: return JQValue.string(self.source)
        case .subject: return JQValue.string(self.subject)
        case .segments:
            var array = jv_array()
            guard self.subject.readableBytes > 0 else { return array }
            let view = self.subject.readableBytesView
            for segment in view.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
                array = jv_array_append(array, JQValue.string(ByteBuffer(segment)))
            }
            return array
        case .attributes:
            var object = jv_object()
            // From the last to the first, so that of a repeated name the first stays.
            for (name, value) in self.attributes.reversed() {
                object = jv_object_set(object, JQValue.string(name), JQValue.string(value))
            }
            return object
        case .raw: return JQValue.string(self.raw)
        default: return jv_number(self.now)
        }
    }
}
