import Testing

@testable import Mosquitto

struct MQTTOutgoingPacketsTests {
    private let subscribe: [UInt8] = [0x82, 3, 0, 1, 0]
    private let large: [UInt8] = [0x30, 0xc8, 0x01] + [UInt8](repeating: 0x40, count: 200)
    private func puback(_ identifier: UInt8) -> [UInt8] { [0x40, 2, 0, identifier] }

    private func write(_ bytes: [UInt8], to packets: inout MQTTOutgoingPackets) {
        bytes.withUnsafeBytes { packets.write($0) }
    }

    /// Takes what may be sent, a few bytes at a time.
    private func sent(_ packets: inout MQTTOutgoingPackets) -> [UInt8] {
        var result: [UInt8] = []
        while !packets.isEmpty {
            packets.send { bytes in
                result += bytes.prefix(3)
                return min(3, bytes.count)
            }
        }
        return result
    }

    @Test func `acknowledgements wait until they are released, in order, and everything else continues`() {
        var packets = MQTTOutgoingPackets()
        for identifier in [1, 0x0203, 3] { packets.hold(pubackOf: identifier) }
        self.write(self.subscribe + self.large, to: &packets)
        #expect(self.sent(&packets) == self.subscribe + self.large)
        packets.releasePubacks(2)
        #expect(self.sent(&packets) == self.puback(1) + [0x40, 2, 2, 3])
        packets.releasePubacks(5)
        #expect(self.sent(&packets) == self.puback(3))
        packets.releasePubacks(1)
        #expect(packets.isEmpty)
    }

    @Test func `a ping and acknowledgements never fall into the middle of a packet`() {
        let bytes = self.large + self.subscribe
        for cut in 0...bytes.count {
            var packets = MQTTOutgoingPackets()
            packets.hold(pubackOf: 1)
            packets.hold(pubackOf: 2)
            self.write(Array(bytes[..<cut]), to: &packets)
            packets.releasePubacks(1)
            packets.ping()
            packets.releasePubacks(1)
            self.write(Array(bytes[cut...]), to: &packets)
            var rest = self.sent(&packets)[...]
            var seen: [[UInt8]] = []
            let known = [self.puback(1), self.puback(2), self.large, self.subscribe, [0xc0, 0]]
            while let packet = known.first(where: { rest.starts(with: $0) }) {
                seen.append(packet)
                rest = rest.dropFirst(packet.count)
            }
            #expect(rest.isEmpty, "cut at \(cut)")
            #expect(seen.count == 5)
            #expect(seen.filter { $0[0] == 0x40 } == [self.puback(1), self.puback(2)])
        }
    }
}
