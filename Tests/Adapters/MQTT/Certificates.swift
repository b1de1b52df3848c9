import BridgeTesting

/// An authority, a broker's certificate for `localhost` and a client's, made for one test.
struct Certificates {
    private let directory: TemporaryDirectory

    var authority: String { self.directory.file("ca.pem") }
    var server: String { self.directory.file("server.pem") }
    var serverKey: String { self.directory.file("server.key") }
    var client: String { self.directory.file("client.pem") }
    var clientKey: String { self.directory.file("client.key") }

    static func make() async throws -> Certificates {
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

    func broker(_ lines: String...) async throws -> BrokerProcess {
        // BrokerProcess takes at most one list of lines.
        let extra = lines.joined(separator: "\n")
        return try await BrokerProcess.mosquitto(
            "cafile \(self.authority)", "certfile \(self.server)", "keyfile \(self.serverKey)",
            extra
        )
    }
}
