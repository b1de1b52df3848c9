package import NIOCore

/// Sends one HTTP/1.1 request to loopback over its own socket, with exactly the bytes that a test gives.
package enum HTTPRequestPeer {
    /// The answer to a request.
    package struct Answer: Sendable {
        /// The status code.
        package let status: Int
        /// The header fields in order; names in lower case.
        package let headers: [(name: String, value: String)]
        /// The complete body, without chunked coding (RFC 9112 §7.1).
        package let body: ByteBuffer

        /// The body decoded as UTF-8.
        package var text: String { String(buffer: self.body) }

        /// The first value of a header field.
        ///
        /// - Parameter name: in lower case.
        package func header(_ name: String) -> String? {
            self.headers.first { $0.name == name }?.value
        }
    }

    /// Sends a request with `Connection: close` and waits for the complete answer.
    ///
    /// - Parameters:
    ///   - headers: added to `Host`, `Connection` and, with a body, `Content-Length`.
    ///   - timeout: the limit for each read.
    /// - Throws: ``PeerError`` when the server does not answer.
    package static func send(
        _ method: String = "GET", _ path: String, port: Int, headers: [(name: String, value: String)] = [],
        body: ByteBuffer? = nil, timeout: Duration = .seconds(30)
    ) async throws -> Answer {
        try await OwnThread.run {
            let socket = try BlockingSocket(port: port)
            var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
            if let body { head += "Content-Length: \(body.readableBytes)\r\n" }
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            var bytes = Array("\(head)\r\n".utf8)
            if let body { bytes += body.readableBytesView }
            try socket.write(bytes)
            var parser = SSEStreamParser()
            var received: [UInt8] = []
            var status: Int?
            var headers: [(name: String, value: String)] = []
            var answer: [UInt8] = []
            while try socket.read(into: &received, timeout: timeout) > 0 {
                let update = try parser.feed(received)
                received.removeAll(keepingCapacity: true)
                if let new = update.status { (status, headers) = (new, update.headers) }
                answer += update.body
            }
            guard let status else { throw PeerError("\(method) \(path) was not answered") }
            return Answer(status: status, headers: headers, body: ByteBuffer(bytes: answer))
        }
    }
}
