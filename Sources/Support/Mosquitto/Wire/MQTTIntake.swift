import Glibc

/// The bytes of a broker, on their way through ``MQTTPacketValidator`` to libmosquitto.
///
/// Without I/O: the owner reads into ``room()`` and writes what ``next(_:)`` lets through to the library. Confined to the owner's thread.
final class MQTTIntake {
    /// The next item.
    enum Content {
        /// Bytes for the library; see ``forward(_:)``.
        case bytes
        /// A message was skipped; everything before it was forwarded.
        case omission(MQTTOmission)
        /// The broker violated the MQTT protocol; everything before it was forwarded.
        case violation(MQTTViolation)
        /// Incomplete: more bytes are needed.
        case nothing
    }

    /// How many bytes one read takes.
    private static let piece = MQTTNetwork.piece

    private(set) var validator: MQTTPacketValidator
    private var violation: MQTTViolation?
    private var omission: MQTTOmission?
    /// Received bytes that are not validated, from ``start`` to ``filled``.
    private var incoming = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * MQTTIntake.piece, alignment: 1)
    private var start = 0
    private var filled = 0
    /// How many bytes the validator needs before it can decide.
    private var awaited = 0
    /// Validated bytes for the library.
    private var checked: [UInt8] = []
    private var forwarded = 0
    /// Facts about messages that the library does not know.
    private let deliveries: MQTTDeliveries

    init(validator: MQTTPacketValidator, deliveries: MQTTDeliveries) {
        self.validator = validator
        self.deliveries = deliveries
    }

    deinit { self.incoming.deallocate() }

    // MARK: In

    /// The space for the next bytes; never empty.
    func room() -> UnsafeMutableRawBufferPointer {
        let rest = self.filled - self.start
        if self.start > 0 {
            if rest > 0 { memmove(self.incoming.baseAddress!, self.incoming.baseAddress! + self.start, rest) }
            self.filled = rest
            self.start = 0
        }
        // A packet's head has bounds, so this does too.
        let wanted = max(2 * Self.piece, max(rest, self.awaited) + Self.piece)
        if wanted > self.incoming.count || (rest == 0 && self.incoming.count > 2 * Self.piece) {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 1)
            larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: self.incoming[..<rest]))
            self.incoming.deallocate()
            self.incoming = larger
        }
        return UnsafeMutableRawBufferPointer(rebasing: self.incoming[self.filled...])
    }

    /// Records that this many bytes were read into the ``room()``.
    func fill(_ count: Int) { self.filled += count }

    // MARK: Out

    /// Returns the next item.
    ///
    /// - Parameter outgoing: gets the PUBACK of each message of QoS 1, held.
    func next(_ outgoing: inout MQTTOutgoingPackets) -> Content {
        while true {
            if self.forwarded < self.checked.count { return .bytes }
            if let omission {
                self.omission = nil
                return .omission(omission)
            }
            if let violation { return .violation(violation) }
            guard self.filled > self.start, self.filled - self.start >= self.awaited else { return .nothing }
            self.check(&outgoing)
        }
    }

    /// Calls `body` with the bytes for the library, and drops the number that it returns.
    func forward(_ body: (UnsafeRawBufferPointer) -> Int) {
        self.forwarded += self.checked.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[self.forwarded...])) }
        guard self.forwarded == self.checked.count else { return }
        self.forwarded = 0
        self.checked.removeAll(keepingCapacity: self.checked.capacity <= 4 * Self.piece)
    }

    /// Validates the received bytes, up to a skipped message.
    private func check(_ outgoing: inout MQTTOutgoingPackets) {
        do {
            while self.start < self.filled, self.omission == nil {
                let rest = UnsafeRawBufferPointer(rebasing: self.incoming[self.start..<self.filled])
                switch try self.validator.next(rest) {
                case .wait(until: let count):
                    self.awaited = count
                    return
                case .pass(let count):
                    self.checked += UnsafeRawBufferPointer(rebasing: rest[..<count])
                    self.start += count
                case .replace(let count, with: let bytes):
                    self.checked += bytes
                    self.start += count
                case .message(let head):
                    self.take(head, rest, &outgoing)
                    self.start += head.end
                case .drop(let count, let omission):
                    // The library gets everything before it first.
                    self.omission = omission
                    if let identifier = omission?.identifier { outgoing.hold(pubackOf: identifier) }
                    self.start += count
                }
                self.awaited = 0
            }
        } catch {
            self.violation = error
        }
    }

    private func take(_ head: MQTTMessageHead, _ bytes: UnsafeRawBufferPointer, _ outgoing: inout MQTTOutgoingPackets) {
        head.append(bytes, to: &self.checked)
        if let identifier = head.identifier { outgoing.hold(pubackOf: identifier) }
        self.deliveries.append(
            MQTTDeliveries.Delivery(
                identifier: UInt16(head.identifier ?? 0), isDuplicate: bytes[0] & 8 != 0,
                size: head.end - head.start + head.payload
            )
        )
    }
}
