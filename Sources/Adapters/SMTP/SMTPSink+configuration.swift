package import BridgeCore
import Curl

extension SMTPSink {
    /// Settings of the sink.
    package struct Configuration: SinkConfiguration {
        /// How a connection without TLS is secured.
        enum StartTLS: String, CaseIterable, Sendable {
            case required, offered, off
        }

        /// The largest number of receivers of one mail; servers accept at least 100 (RFC 5321 §4.5.3.1.8).
        static let mostRecipients = 50

        var url = SMTPURL()
        var user: String?
        var password: Secret?
        var startTLS: StartTLS?
        var tls = TLSSettings()
        var from: SMTPMailbox?
        var to: [Template] = []
        var subject: Template?
        var text: Template?
        var html: Template?
        var headers: [String: TextTemplate] = [:]
        var timeout = Duration.seconds(30)

        /// The keys of a sink of mails; a route can override the mail, not the server.
        package static let settings = Settings<Self> {
            Setting(
                required: "url", \.url,
                SettingCodec<String>.text("URL").map { text in
                    guard let url = SMTPURL(text) else { throw SettingError(SMTPURL.mistake(in: text) ?? "") }
                    return url
                }, "Mail server, with smtp:// or, for TLS from the start, smtps://"
            ).example("'smtp://mail.example.com:587'")
            Setting(
                "user", \.user, .text.checked { $0.isEmpty ? "is empty; leave it out for a server without users" : nil },
                "User at the server"
            ).example("bridge")
            Setting("password", \.password, .secret, "Password at the server")
                .needing("user", else: "a password needs a user; set user")
            Setting(
                "starttls", \.startTLS, .choice, default: "required with a user, otherwise offered",
                "Whether an smtp:// connection changes to TLS: always, where the server offers it, or never")
            Setting("tls", \.tls, .group, "How the server is reached with TLS")
            Setting(
                required: "from", \.from,
                SettingCodec<String>.text("address").map { text in
                    guard let mailbox = SMTPMailbox(text) else { throw SettingError(Self.noAddress(text)) }
                    return mailbox
                }, "Sender, such as Doors <doors@example.org>"
            ).example("bridge@example.com")
            Setting(required: "to", \.to, .oneOrMore(of: .template), "Receivers; an event may choose the part before the @")
                .example("[ann@example.com]")
                .perRoute()
            Setting("subject", \.subject, .template, default: "the event's title, or else its message", "Subject of a mail")
                .example("'{{ .title }}'")
                .perRoute()
            Setting("text", \.text, .template, default: "the event's message", "Text of a mail").example("'{{ .message }}'")
                .perRoute()
            Setting("html", \.html, .template, "The same as HTML, for readers that show it; values are escaped").example(
                "'<p>{{ .message }}</p>'"
            ).perRoute()
            Setting(
                "headers", \.headers, .mapping(of: .headerText), "Further headers; one whose template has no value is left out"
            ).example("{ X-Tags: { from: .tags, with: ',' } }").perRoute()
            Setting("timeout", \.timeout, .duration(in: .seconds(1)...), "How long sending one mail may take")
        }

        /// Makes settings in which every key has its default; required ones are empty.
        package init() {}

        /// User and password, and values of the environment in the mail.
        package var secrets: SecretTexts {
            var secrets = SecretTexts()
            secrets.add(user: self.user, password: self.password)
            for template in [self.subject, self.text, self.html].compactMap({ $0 }) { secrets.add(sent: template.text) }
            for value in self.headers.values { secrets.add(sent: value.text) }
            return secrets
        }

        /// All templates of one mail.
        var templates: [Template] {
            self.to + [self.subject, self.text, self.html].compactMap { $0 } + self.headers.values.flatMap(\.templates)
        }

        /// How libcurl secures the connection.
        var security: CurlMail.StartTLS {
            switch self.startTLS {
            case .required?: .required
            case .offered?: .offered
            case .off?: .off
            case nil: self.user == nil ? .offered : .required
            }
        }

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            if self.user != nil, self.password == nil {
                throw SettingError(at: "user", because: "a user needs a password; set password")
            }
            if self.url.isTLS, self.startTLS != nil {
                throw SettingError(at: "starttls", because: "applies to smtp:// only; smtps:// has TLS from the start")
            }
            try self.tls.validatePair(at: "tls")
            if self.to.count > Self.mostRecipients {
                throw SettingError(
                    at: "to",
                    because:
                        "names \(self.to.count) receivers; a mail has at most \(Self.mostRecipients), so use a mailing list or several sinks"
                )
            }
            for (index, template) in self.to.enumerated() {
                guard let problem = Self.problem(withRecipient: template) else { continue }
                throw SettingError(path: [SettingKey("to"), SettingKey(index)], problem)
            }
            try self.validateHeaders()
        }

        /// Credentials that anybody on the way can read.
        package var warnings: [SettingError] {
            guard self.user != nil, !self.url.isTLS, self.security != .required else { return [] }
            return [
                SettingError(
                    at: "starttls",
                    because: "user and password may be sent without TLS; write starttls: required, or use smtps://")
            ]
        }

        private static func noAddress(_ text: String) -> String {
            "'\(text)' is not a mail address; write one such as doors@example.org or Doors <doors@example.org>"
        }

        /// Why a receiver cannot be used, with the remedy; `nil` when it can.
        private static func problem(withRecipient template: Template) -> String? {
            if let constant = template.constant { return SMTPMailbox(constant) == nil ? self.noAddress(constant) : nil }
            let end = template.text.components(after: "}}")
            guard let at = end.firstIndex(of: "@"), SMTPMailbox.isDomain(end[end.index(after: at)...]) else {
                return
                    "'{{' is allowed only before the @, so that no event can choose the domain; end the address with @ and a domain"
            }
            return nil
        }

        private func validateHeaders() throws {
            let ours: Set<String> = [
                "date", "from", "to", "cc", "bcc", "sender", "message-id", "subject", "importance", "x-priority",
                "auto-submitted",
                "mime-version", "content-type", "content-transfer-encoding", "return-path", "received",
            ]
            for name in self.headers.keys.sorted() {
                let path: [any CodingKey] = [SettingKey("headers"), SettingKey(name)]
                guard name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ":") }), (1...70).contains(name.utf8.count)
                else {
                    throw SettingError(path: path, "'\(name)' is not the name of a header; write a name such as X-Site")
                }
                if ours.contains(name.lowercased()) {
                    throw SettingError(path: path, "\(name) is set automatically; leave it out")
                }
            }
            if self.headers.count > 50 {
                throw SettingError(at: "headers", because: "has \(self.headers.count) headers; a mail has at most 50 of its own")
            }
        }
    }
}

extension String {
    /// What follows the last occurrence of a separator.
    fileprivate func components(after separator: String) -> Substring {
        var rest = self[...]
        while let found = rest.firstRange(of: separator) { rest = rest[found.upperBound...] }
        return rest
    }
}
