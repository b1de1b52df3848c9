import BridgeTesting
import Glibc
import Synchronization

/// A peer on loopback that answers the packets of an MQTT client with fixed bytes, for what no real broker can be made to say.
final class ScriptedBroker: Sendable {
    let port: Int
    private let listener: Int32
    private let script: Script

    /// What a whole packet of the client is answered with, unless ``answer(_:)`` decides; on a thread of the connection.
    typealias Responder = @Sendable (_ packet: [UInt8]) -> [UInt8]?

    /// Thread-safe.
    private final class Script: Sendable {
        let respond: Responder
        /// Sent repeatedly after the CONNACK.
        let flood: [UInt8]

        struct State {
            var answers: [UInt8: [UInt8]]
            var client: Int32?
            var received: [UInt8] = []
        }

        let state: Mutex<State>

        init(_ answers: [UInt8: [UInt8]], _ respond: @escaping Responder, _ flood: [UInt8]) {
            self.respond = respond
            self.flood = flood
            self.state = Mutex(State(answers: answers))
        }
    }

    /// Answers otherwise from the next connection on, and ends this one.
    func answer(_ answers: [UInt8: [UInt8]]) {
        self.script.state.withLock { state in
            state.answers = answers
            state.received = []
            if let client = state.client { shutdown(client, Int32(SHUT_RDWR)) }
        }
    }

    /// How many packets of a type have arrived since the answers were last set.
    func received(_ type: UInt8) -> Int { self.script.state.withLock { $0.received.count { $0 == type } } }

    /// - Parameters:
    ///   - answers: by the type of a client's packet, such as 1 for CONNECT and 8 for SUBSCRIBE. The packet identifier of a
    ///     SUBSCRIBE or UNSUBSCRIBE is written to the third and fourth byte of its answer.
    ///   - respond: answers packets that have none of these; while it blocks, nothing is read.
    ///   - flood: whole packets that are sent after the CONNACK for as long as the client reads them; no other packet
    ///     is answered then.
    init(_ answers: [UInt8: [UInt8]], respond: @escaping Responder = { _ in nil }, flood: [UInt8] = []) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        // The kernel would take megabytes for a broker that reads nothing.
        var buffer: Int32 = 64 << 10
        setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &buffer, socklen_t(MemoryLayout<Int32>.size))
        let script = Script(answers, respond, flood)
        self.script = script
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
                OwnThread.start { Self.serve(client, script) }
            }
        }
    }

    deinit {
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
    }

    private static func serve(_ client: Int32, _ script: Script) {
        let answers = script.state.withLock { state in
            state.client = client
            return state.answers
        }
        defer {
            script.state.withLock { if $0.client == client { $0.client = nil } }
            close(client)
        }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            received += buffer[..<count]
            while let length = self.length(of: received), received.count >= length {
                let packet = Array(received[..<length])
                received.removeFirst(length)
                script.state.withLock { $0.received.append(packet[0] >> 4) }
                guard var answer = answers[packet[0] >> 4] ?? script.respond(packet) else { continue }
                if [8, 10].contains(packet[0] >> 4), answer.count > 3 {
                    answer[2] = packet[2]
                    answer[3] = packet[3]
                }
                _ = answer.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if packet[0] >> 4 == 1, !script.flood.isEmpty { OwnThread.start { Self.flood(client, script.flood) } }
            }
        }
    }

    private static func flood(_ client: Int32, _ bytes: [UInt8]) {
        let copy = dup(client)
        defer { close(copy) }
        while bytes.withUnsafeBytes({ send(copy, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }) == bytes.count {}
    }

    /// The length of the packet at the front; `nil` while its header is incomplete.
    private static func length(of bytes: [UInt8]) -> Int? {
        var value = 0
        for index in 1..<max(1, min(5, bytes.count)) {
            value |= Int(bytes[index] & 0x7f) << (7 * (index - 1))
            if bytes[index] < 0x80 { return index + 1 + value }
        }
        return nil
    }
}
