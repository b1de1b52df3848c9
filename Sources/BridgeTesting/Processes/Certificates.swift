/// An authority, a server's certificate for `localhost` and a client's, made for one test.
package struct Certificates {
    private let directory: TemporaryDirectory

    /// The certificate of the authority, PEM.
    package var authority: String { self.directory.file("ca.pem") }
    /// The certificate of the server for `localhost`, PEM.
    package var server: String { self.directory.file("server.pem") }
    /// Its key.
    package var serverKey: String { self.directory.file("server.key") }
    /// The certificate of the client, PEM.
    package var client: String { self.directory.file("client.pem") }
    /// Its key.
    package var clientKey: String { self.directory.file("client.key") }

    /// Makes new ones, which are removed with the last copy of this value.
    package static func make() async throws -> Certificates {
        let directory = try TemporaryDirectory()
        try directory.write(
            """
            set -e
            cd "$1"
            key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
            key ca
            openssl req -x509 -new -key ca.key -days 2 -subj /CN=authority -out ca.pem
            for name in server client; do
                key $name
                openssl req -new -key $name.key -subj /CN=$name -out $name.csr
                echo "subjectAltName=DNS:localhost" > $name.ext
                openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.pem
            done
            """, to: "make")
        let process = try ChildProcess("/bin/sh", [directory.file("make"), directory.path])
        guard try await process.untilEnded() == .exited(0) else { throw PeerError(process.standardError) }
        return Certificates(directory: directory)
    }

    /// Makes wrong files: a key of another type, a protected one, damaged ones, DER, and a self-signed certificate.
    package func makeMistakes() async throws {
        try self.directory.write(
            """
            set -e
            cd "$1"
            openssl genrsa -out rsa.key 2048
            openssl ec -in client.key -aes256 -passout pass:x -out protected.key
            openssl x509 -in client.pem -outform DER -out client.der
            openssl req -x509 -new -key client.key -days 2 -subj /CN=stranger -out stranger.pem
            sed '2s/^..../!!!!/' client.pem > damaged.pem
            sed '2s/^..../!!!!/' client.key > damaged.key
            echo hello > junk
            : > empty
            """, to: "mistakes")
        let process = try ChildProcess("/bin/sh", [self.directory.file("mistakes"), self.directory.path])
        guard try await process.untilEnded() == .exited(0) else { throw PeerError(process.standardError) }
    }

    /// Replaces file names in braces with their paths.
    package func named(_ text: String) -> String {
        text.split(separator: "{").enumerated().map { index, part in
            guard index > 0 || text.hasPrefix("{"), let end = part.firstIndex(of: "}"), !part.hasPrefix("\"") else {
                return index > 0 || text.hasPrefix("{") ? "{\(part)" : String(part)
            }
            return self.directory.file(String(part[..<end])) + part[part.index(after: end)...]
        }.joined()
    }

    /// Starts a mosquitto with TLS and the broker's certificate, and with these lines in its configuration.
    package func broker(_ lines: String...) async throws -> BrokerProcess {
        // BrokerProcess takes at most one list of lines.
        let extra = lines.joined(separator: "\n")
        return try await BrokerProcess.mosquitto(
            "cafile \(self.authority)", "certfile \(self.server)", "keyfile \(self.serverKey)",
            extra
        )
    }
}
