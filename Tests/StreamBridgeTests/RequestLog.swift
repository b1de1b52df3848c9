import BridgeTesting
import Synchronization

/// What clients send through a ``TCPProxy``, as the requests that it makes.
///
/// Thread-safe.
final class RequestLog: Sendable {
    private let pieces = Mutex<[Int: [UInt8]]>([:])

    func add(_ connection: Int, _ bytes: ArraySlice<UInt8>) {
        self.pieces.withLock { $0[connection, default: []] += bytes }
    }

    /// The heads of all requests, by connection.
    private var heads: [[Substring]] {
        self.pieces.withLock { pieces in pieces.sorted { $0.key < $1.key }.map { String(decoding: $0.value, as: UTF8.self) } }
            .flatMap { text in
                text.split(separator: "\r\n\r\n").map { $0.split(separator: "\r\n") }
            }
    }

    /// The methods of all requests.
    var methods: [String] { self.heads.compactMap { $0.first?.split(separator: " ").first.map(String.init) } }

    /// The values of a field that all requests have together.
    func values(_ name: String) -> [String] {
        self.heads.flatMap { $0.dropFirst() }.compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else { return nil }
            return String(line[colon...].dropFirst().drop { $0 == " " })
        }
    }
}
