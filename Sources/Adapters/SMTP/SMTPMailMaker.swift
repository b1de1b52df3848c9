import BridgeCore
import NIOCore

/// Makes the mails of one variant of a sink's settings.
///
/// Immutable.
struct SMTPMailMaker: Sendable {
    /// The largest mail, in bytes: more than most servers accept.
    static let largest = 32 << 20

    private let configuration: SMTPSink.Configuration
    private let from: SMTPMailbox
    private let headers: [(name: String, template: TextTemplate)]
    private let headerFailures: OmissionReport

    init(_ configuration: SMTPSink.Configuration, headerFailures: OmissionReport) {
        guard let from = configuration.from else { preconditionFailure("a mail has a sender") }
        self.configuration = configuration
        self.from = from
        self.headers = configuration.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        self.headerFailures = headerFailures
    }

    /// The receivers and the bytes of the mail for one delivery.
    ///
    /// - Throws: ``SMTPRefusal`` for an event of which no mail can be made.
    func mail(for delivery: Delivery, _ reader: EventReader) throws(SMTPRefusal) -> (to: [String], body: ByteBuffer) {
        let message = try self.message(for: delivery, reader)
        let body = message.write()
        guard body.readableBytes <= Self.largest else {
            throw SMTPRefusal("the mail has \(body.readableBytes) bytes; at most \(Self.largest) are sent")
        }
        return (message.to.map(\.address), body)
    }

    /// The mail for one delivery before it is written.
    ///
    /// - Throws: ``SMTPRefusal``.
    func message(for delivery: Delivery, _ reader: EventReader) throws(SMTPRefusal) -> SMTPMessage {
        let event = delivery.event
        reader.load(event)
        var to: [SMTPMailbox] = []
        for template in self.configuration.to {
            let mailbox = try self.recipient(template, reader)
            if !to.contains(where: { $0.address == mailbox.address }) { to.append(mailbox) }
        }
        return SMTPMessage(
            from: self.from, to: to,
            subject: try self.render(self.configuration.subject, "subject", reader) ?? Self.subject(of: event),
            date: event.timestamp, id: delivery.idempotencyKey, priority: event.priority, headers: self.headers(event, reader),
            text: try self.render(self.configuration.text, "text", reader) ?? event.message,
            html: try self.render(self.configuration.html, "html", reader, escape: Self.html)
        )
    }

    /// The title; without one, the first line of the message.
    private static func subject(of event: Event) -> String {
        if let title = event.title, !title.isEmpty { return title }
        let line = event.message.prefix { !$0.isNewline }
        return line.isEmpty ? event.subject : String(line)
    }

    private func recipient(_ template: Template, _ reader: EventReader) throws(SMTPRefusal) -> SMTPMailbox {
        let text: String
        do {
            text = try template.renderAddress(reader)
        } catch {
            throw SMTPRefusal("the receiver cannot be rendered: \(error)")
        }
        // A value with an @, a comma or a line end would choose another receiver.
        guard template.constant != nil || SMTPMailbox.isAddress(text[...]), let mailbox = SMTPMailbox(text) else {
            throw SMTPRefusal("the receiver '\(SafeText.sentence(String(text.prefix(100))))' of this event is not a mail address")
        }
        return mailbox
    }

    private func headers(_ event: Event, _ reader: EventReader) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for (name, template) in self.headers {
            do {
                guard let value = try template.renderOptional(reader, escape: { $0 }) else { continue }
                headers.append((name, value))
            } catch {
                // A mail without it is worth more than none.
                self.headerFailures.note(name, event, error)
            }
        }
        return headers
    }

    private func render(
        _ template: Template?, _ key: String, _ reader: EventReader, escape: (String) -> String = { $0 }
    ) throws(SMTPRefusal) -> String? {
        guard let template else { return nil }
        do {
            return try template.render(reader, escape: escape)
        } catch {
            throw SMTPRefusal("\(key) cannot be rendered: \(error)")
        }
    }

    /// A value in the text or in a quoted attribute of HTML.
    static func html(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Why an event cannot become a mail: one sentence without a final stop.
struct SMTPRefusal: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
