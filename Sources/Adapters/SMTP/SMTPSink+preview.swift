package import BridgeCore
import Logging

extension SMTPSink: PreviewingSink {
    /// Renders mails as the sink sends them: `from`, `to`, `subject`, `headers`, `text` and `html`.
    package static func preview(variants: [Configuration], context: ComponentContext) throws -> SinkPreview {
        let omissions = Self.omissions(context)
        let makers = variants.map { SMTPMailMaker($0, headerFailures: omissions) }
        return SinkPreview { delivery, reader in
            let message: SMTPMessage
            do throws(SMTPRefusal) {
                message = try makers[delivery.variant].message(for: delivery, reader)
            } catch {
                throw PreviewRefusal(error.reason)
            }
            let headers = message.allHeaders.map { (name: $0.name, value: PlainValue.text($0.value)) }
            return SentMessage([
                ("from", .text(message.from.address)), ("to", .list(message.to.map { .text($0.address) })),
                ("subject", .text(SMTPHeaderText.clean(message.subject))), ("headers", headers.isEmpty ? nil : .object(headers)),
                ("text", .text(message.text)), ("html", message.html.map { .text($0) }),
            ])
        }
    }

    /// Reports headers whose templates fail.
    static func omissions(_ context: ComponentContext) -> OmissionReport {
        OmissionReport(
            context, counter: "smtp_headers_failed", help: "Headers that were left out because their templates failed.",
            message: "Header left out because its template failed")
    }
}
