import BridgeTesting
import Glibc

/// A peer on loopback that answers the packets of an MQTT client with fixed bytes, for what no real broker can be made to say.
final class ScriptedBroker: Sendable {
    let port: Int
    private let listener: Int32

    /// - Parameter answers: by the type of a client's packet, such as 1 for CONNECT and 8 for SUBSCRIBE. The packet identifier of a
    ///   SUBSCRIBE is written to the third and fourth byte of its answer.
    init(_ answers: [UInt8: [UInt8]]) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw PeerError("no scripted broker: errno \(errno)") }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        OwnThread.start {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                OwnThread.start { Self.serve(client, answers) }
            }
        }
    }

    deinit {
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
    }

    /// Packets of the tests are shorter than 128 bytes, so their length is one byte.
    private static func serve(_ client: Int32, _ answers: [UInt8: [UInt8]]) {
        defer { close(client) }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            received += buffer[..<count]
            while received.count >= 2, received.count >= 2 + Int(received[1]) {
                let packet = Array(received[..<(2 + Int(received[1]))])
                received.removeFirst(packet.count)
                guard var answer = answers[packet[0] >> 4] else { continue }
                if packet[0] >> 4 == 8 {
                    answer[2] = packet[2]
                    answer[3] = packet[3]
                }
                _ = answer.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            }
        }
    }
}
