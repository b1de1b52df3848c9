package import BridgeCore
import Curl
import Logging
import NIOCore

extension WebhookSink: PreviewingSink {
    /// Renders requests as the sink sends them: `method`, `url`, `headers` and `body`.
    ///
    /// Credentials and signatures are compared and not shown.
    package static func preview(variants: [Configuration], context: ComponentContext) throws -> SinkPreview {
        let omissions = Self.omissions(context)
        let requests = variants.map { WebhookRequest($0, headerFailures: omissions) }
        let signed = variants.map { $0.signature?.header.lowercased() }
        return SinkPreview { delivery, reader in
            let request: CurlRequest
            do throws(WebhookRefusal) {
                request = try requests[delivery.variant].request(for: delivery, reader)
            } catch {
                throw PreviewRefusal(error.reason)
            }
            let headers = Self.headers(of: request) { name in
                WebhookRequest.isCredential(name) || name.lowercased() == signed[delivery.variant]
            }
            return SentMessage([
                ("method", .text(request.method)), ("url", .text(request.url)), ("headers", .object(headers)),
                ("body", request.body.map { .body($0) }),
            ])
        }
    }

    /// Reports headers whose templates fail.
    static func omissions(_ context: ComponentContext) -> OmissionReport {
        OmissionReport(
            context, counter: "webhook_headers_failed", help: "Headers that were left out because their templates failed.",
            message: "Header left out because its template failed")
    }

    /// The headers by name, the values of a repeated one with commas between them.
    private static func headers(
        of request: CurlRequest, isSecret: (String) -> Bool
    ) -> [(name: String, value: PlainValue)] {
        var headers: [(name: String, value: String)] = []
        for (name, value) in request.headers {
            if let index = headers.firstIndex(where: { $0.name.lowercased() == name.lowercased() }) {
                headers[index].value += ", \(value)"
            } else {
                headers.append((name, value))
            }
        }
        if let user = request.user { headers.append(("Authorization", "Basic \(user):\(request.password ?? "")")) }
        return headers.map { ($0.name, isSecret($0.name) ? .secret($0.value) : .text($0.value)) }
    }
}
