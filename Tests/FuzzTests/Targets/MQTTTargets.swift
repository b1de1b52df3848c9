@testable import MQTTAdapter
@testable import Mosquitto

extension FuzzTarget {
    /// What a broker sends: in chunks of any size the same packets pass, and none that the validator itself would refuse.
    static let mqttPackets = FuzzTarget(
        "mqtt-packets",
        seeds: Self.brokers,
        words: [
            "\u{20}\u{3}\u{0}\u{0}\u{0}", "\u{30}", "\u{32}", "\u{40}\u{2}\u{0}\u{1}", "\u{b}\u{1}",
            "\u{26}\u{0}\u{1}a\u{0}\u{1}b",
        ]
    ) { bytes in
        var input = FuzzInput(bytes)
        let version: MQTTVersion = input.number(below: 2) == 0 ? .five : .three
        let size = 1 + input.number(below: 20)
        let whole = try MQTTOutcome(input.bytes, version, pieces: .max)
        let cut = try MQTTOutcome(input.bytes, version, pieces: size)
        try FuzzFailure.unless(whole == cut, "\(whole) whole, \(cut) in pieces of \(size)")
        // Passed packets are valid MQTT, each message at quality of service 0.
        let again = try MQTTOutcome(whole.passed, version, pieces: .max)
        try FuzzFailure.unless(
            again.passed == whole.passed && again.violation == nil && again.omissions.isEmpty && again.identifiers.isEmpty,
            "\(whole.passed) passes and is refused: \(again)")
    }

    /// The bytes of a broker, with libmosquitto after the validator: nothing ends the process, and every message that
    /// passes arrives.
    static let mqttBroker = FuzzTarget(
        "mqtt-broker", seeds: Self.brokers, words: Self.mqttPackets.words
    ) { bytes in
        var input = FuzzInput(bytes)
        let version: MQTTVersion = input.number(below: 2) == 0 ? .five : .three
        let expected = try MQTTOutcome(input.bytes, version, pieces: .max, largest: MQTTPacketValidator.largestMessage)
        let broker = try MQTTFuzzBroker(version)
        try broker.send(input.bytes)
        let messages = broker.inbox.messages
        try FuzzFailure.unless(messages.count <= expected.messages, "\(messages.count) of \(expected.messages) messages arrive")
        try FuzzFailure.unless(
            broker.inbox.acknowledgements <= expected.identifiers.count + expected.omissions.count,
            "\(broker.inbox.acknowledgements) messages are acknowledged")
        // A connection that the broker does not end in its own way brings all of them.
        guard expected.violation == nil, broker.callbacks.connack?.reason == 0, broker.callbacks.ending == nil else { return }
        try FuzzFailure.unless(
            messages.count == expected.messages - (expected.missing > 0 ? 1 : 0),
            "\(messages.count) of \(expected.messages) messages arrive"
        )
    }

    /// Packets of a broker, with the selecting bytes after them.
    private static let brokers: [[UInt8]] = [
        Self.packets + [0], Self.packets + [1],
        [0x20, 2, 0, 0, 0x90, 3, 0, 1, 1, 0x32, 5, 0, 1, 97, 0, 9, 0xd0, 0, 0xb0, 2, 0, 1, 0x40, 2, 0, 3, 7, 2],
        [0x20, 2, 1, 0, 0x31, 6, 0, 1, 97, 98, 99, 100, 0x30, 0x82, 0x01, 0, 1, 97] + [UInt8](repeating: 120, count: 200),
        [0x20, 2, 0, 1, 0], [0x20, 5, 0, 0, 2, 0x7f, 0, 0], [0x15, 3, 1, 0, 2, 1, 0, 0],
    ]

    /// With properties of every kind, for version 5.
    private static let packets: [UInt8] = [
        0x20, 10, 0, 0, 7, 0x12, 0, 1, 97, 0x21, 0, 20, 0x90, 4, 0, 1, 0, 1,
        0x32, 18, 0, 1, 97, 0, 9, 11, 0x0b, 1, 0x26, 0, 1, 98, 0, 1, 99, 0x01, 1, 120,
        0x3a, 11, 0, 1, 97, 0, 10, 4, 0x0b, 1, 0x0b, 2, 120, 0x40, 2, 0, 3, 0xb0, 4, 0, 4, 0, 0,
        0x30, 14, 0, 1, 97, 9, 0x03, 0, 1, 98, 0x02, 0, 0, 0, 9, 120, 0xe0, 2, 0x8b, 0,
    ]

    /// The result of a broker's bytes.
    private struct MQTTOutcome: Equatable {
        private(set) var passed: [UInt8] = []
        private(set) var omissions: [MQTTOmission] = []
        private(set) var identifiers: [Int] = []
        private(set) var violation: String?
        /// Messages that began.
        private(set) var messages = 0
        /// Bytes of the last one that have not come.
        private(set) var missing = 0

        init(_ bytes: [UInt8], _ version: MQTTVersion, pieces size: Int, largest: Int = 150) throws {
            var validator = MQTTPacketValidator(version: version, largest: largest)
            var pending: [UInt8] = []
            var awaited = 1
            var rest = bytes[...]
            while !rest.isEmpty, self.violation == nil {
                pending += rest.prefix(size)
                rest = rest.dropFirst(min(size, rest.count))
                while pending.count >= awaited, self.violation == nil { try self.step(&validator, &pending, &awaited) }
            }
        }

        private mutating func step(_ validator: inout MQTTPacketValidator, _ pending: inout [UInt8], _ awaited: inout Int) throws
        {
            let step: MQTTPacketValidator.Step
            do {
                step = try pending.withUnsafeBytes { try validator.next($0) }
            } catch let error as MQTTViolation {
                self.violation = error.description
                return
            }
            awaited = 1
            switch step {
            case .wait(until: let count):
                // A head has bounds, so what is kept for it has too.
                try FuzzFailure.unless(
                    count > pending.count && count <= MQTTPacketValidator.largestControl + (1 << 17),
                    "\(count) bytes are waited for with \(pending.count)")
                awaited = count
            case .pass(let count):
                self.passed += pending.prefix(count)
                self.missing = max(0, self.missing - count)
                pending.removeFirst(count)
            case .replace(let count, with: let bytes):
                self.passed += bytes
                pending.removeFirst(count)
            case .message(let head):
                pending.withUnsafeBytes { head.append($0, to: &self.passed) }
                self.messages += 1
                self.missing = head.payload
                if let identifier = head.identifier { self.identifiers.append(identifier) }
                pending.removeFirst(head.end)
            case .drop(let count, let omission):
                if let omission { self.omissions.append(omission) }
                pending.removeFirst(count)
            }
        }
    }
}
