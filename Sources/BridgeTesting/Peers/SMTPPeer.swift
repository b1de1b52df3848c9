import FoundationEssentials
import Synchronization
import Testing

/// A real mail server on loopback, aiosmtpd in a process, which decodes the mails that it accepts with Python's own library.
///
/// What it refuses follows from the mail: a receiver whose name begins with `refuse` (550) or, the first time, with `later`
/// (451); a sender whose name begins with `refuse` (550); a mail that contains `refuse me` (554) or, the first time,
/// `try later` (451). A mail that contains `answer never` is accepted without an answer. Thread-safe. Killed with its last reference.
package final class SMTPPeer: Sendable {
    /// How the server protects itself.
    package struct Options: Sendable {
        /// The certificate and the key for TLS; `nil` for a server without.
        package var certificate: (path: String, key: String)?
        /// Whether TLS is from the start, instead of with STARTTLS.
        package var isTLSFirst = false
        /// Whether it accepts mails of the user `ann` with the password `right` only; otherwise it offers no login without TLS.
        package var needsLogin = false

        /// Makes the options of an open server without TLS.
        package init() {}
    }

    /// One accepted mail, as Python's library decodes it.
    package struct Mail: Sendable, Decodable {
        /// The sender of the envelope.
        package let sender: String
        /// The receivers of the envelope.
        package let recipients: [String]
        /// The decoded headers, in order: name and value.
        package let headers: [[String]]
        /// The decoded text.
        package let text: String
        /// The decoded HTML; `nil` without one.
        package let html: String?
        /// The lines as they came, without their line ends.
        package let lines: [String]
        /// Defects that the library found.
        package let defects: [String]
        /// Whether the connection had TLS.
        package let isSecure: Bool
        /// The user; `nil` without a login.
        package let user: String?
        /// Which connection it came on, from 1.
        package let connection: Int

        /// The first value of a header, whatever its case.
        package subscript(_ name: String) -> String? {
            self.headers.first { $0[0].lowercased() == name.lowercased() }?[1]
        }
    }

    /// The port; the same until the end.
    package let port: Int
    private let process: ChildProcess
    /// The mails that were read, and how many bytes of the output they are.
    private let read = Mutex<(mails: [Mail], count: Int)>(([], 0))

    private init(port: Int, process: ChildProcess) {
        self.port = port
        self.process = process
    }

    deinit {
        self.process.kill()
    }

    /// Starts a server and waits until it is ready.
    ///
    /// - Throws: ``PeerError`` with what Python says.
    package static func start(_ options: Options = Options()) async throws -> SMTPPeer {
        let process = try ChildProcess(
            try PythonEnvironment.interpreter(),
            [
                "-u", "-c", self.program, options.certificate?.path ?? "", options.certificate?.key ?? "",
                options.isTLSFirst ? "first" : "", options.needsLogin ? "login" : "",
            ])
        var port: Int?
        try await eventually("the mail server is ready, not \(process.standardError)") {
            port = process.standardOutput.split(separator: "\n").first.flatMap { Int($0) }
            if port == nil, let ended = process.ended {
                throw PeerError("the mail server ended, \(ended): \(process.standardError)")
            }
            return port != nil
        }
        return SMTPPeer(port: port ?? 0, process: process)
    }

    /// The mails that were accepted so far, in order.
    package var mails: [Mail] {
        get throws {
            let text = self.process.standardOutputBytes
            return try self.read.withLock { read in
                // The last line may not be written whole yet.
                while let end = text[read.count...].firstIndex(of: 0x0A) {
                    let line = text[read.count..<end]
                    if line.first == UInt8(ascii: "{") {
                        read.mails.append(try JSONDecoder().decode(Mail.self, from: Data(line)))
                    }
                    read.count = end + 1
                }
                return read.mails
            }
        }
    }

    private static let program = """
        import asyncio, email, email.policy, json, ssl, sys
        from aiosmtpd.smtp import SMTP, AuthResult

        certificate, key, first, login = sys.argv[1:5]
        seen = set()
        connections = 0

        def once(what):
            if what in seen: return False
            seen.add(what)
            return True

        class Handler:
            async def handle_MAIL(self, server, session, envelope, address, options):
                if address.startswith("refuse"): return "550 5.7.1 Sender not allowed"
                envelope.mail_from = address
                return "250 OK"

            async def handle_RCPT(self, server, session, envelope, address, options):
                if address.startswith("refuse"): return "550 5.1.1 No such user"
                if address.startswith("later") and once(address): return "451 4.7.1 Greylisted"
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
                def part(kind):
                    found = mail.get_body((kind,))
                    return None if found is None else found.get_content().replace("\\r\\n", "\\n")
                text = part("plain") or ""
                if "refuse me" in text: return "554 5.6.0 Content not allowed"
                if "try later" in text and once(text): return "451 4.3.0 Try later"
                defects = [repr(d) for p in mail.walk() for d in p.defects]
                defects += [repr(d) for value in mail.values() for d in getattr(value, "defects", ())]
                print(json.dumps({
                    "sender": envelope.mail_from, "recipients": envelope.rcpt_tos,
                    "headers": [[name, str(value)] for name, value in mail.items()], "text": text, "html": part("html"),
                    "lines": envelope.content.decode("ascii").split("\\r\\n"), "defects": defects,
                    "isSecure": session.ssl is not None or bool(first), "user": session.login,
                    "connection": server.number,
                }), flush=True)
                if "answer never" in text: await asyncio.sleep(600)
                return "250 OK"

        def authenticate(server, session, envelope, mechanism, data):
            isRight = data.login == b"ann" and data.password == b"right"
            if isRight: session.login = "ann"
            return AuthResult(success=isRight, handled=False)

        class Server(SMTP):
            def connection_made(self, transport):
                global connections
                if not hasattr(self, "number"):
                    connections += 1
                    self.number = connections
                super().connection_made(transport)
                if self.session is not None and not hasattr(self.session, "login"): self.session.login = None

        async def main():
            context = None
            if certificate:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(certificate, key)
            def make():
                return Server(
                    Handler(), data_size_limit=64 << 20, tls_context=None if first else context, require_starttls=False,
                    authenticator=authenticate if login else None, auth_required=bool(login), auth_require_tls=not login,
                    hostname="localhost", loop=asyncio.get_running_loop(), decode_data=False)
            server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=context if first else None)
            print(server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()

        asyncio.run(main())
        """
}
