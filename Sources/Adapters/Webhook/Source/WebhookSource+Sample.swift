package import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

extension WebhookSource: RehearsableSource {
    /// A request as a test writes it.
    package struct Sample: SettingGroup {
        var id: String?
        var method = WebhookMethod.post
        var query = ""
        var headers: [String: String] = [:]

        /// The keys of a request.
        package static let settings = Settings<Self> {
            Setting("id", \.id, .text, default: "the first of the source", "Last part of the path")
            Setting("method", \.method, .choice, "Method of the request")
            Setting("query", \.query, .text, "Query of the address, such as title=Door&priority=4")
            Setting(
                "headers", \.headers, .mapping(of: .text),
                "Headers of the request; a body that is a mapping has Content-Type: application/json without them")
        }

        /// Makes a POST to the first id.
        package init() {}
    }

    /// Reads requests as ``WebhookReader`` does, and refuses what ``WebhookRefusals`` refuses but for credentials.
    package static func reading(
        configuration: WebhookSourceConfiguration, context: ComponentContext, opening: NormaliseSettings.Opening
    ) throws -> SampleReading<Sample> {
        var notes: [String] = []
        if !configuration.tokens.isEmpty || configuration.password != nil { notes.append("credentials are not checked here") }
        if configuration.signature != nil { notes.append("the signature is not checked here") }
        var open = configuration
        open.tokens = []
        open.user = nil
        open.password = nil
        let reader = WebhookReader(open, rules: WebhookRefusals(open.unsigned))
        let rules = WebhookRefusals(open.unsigned)
        return SampleReading { [notes] sample, body in
            let id = sample.id ?? configuration.ids[0]
            guard configuration.ids.contains(id) else {
                throw SampleRefusal("the source has no id '\(id)'; it has \(configuration.ids.joined(separator: ", "))")
            }
            var headers = HTTPHeaders(sample.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            if body.isStructure, !headers.contains(name: "Content-Type") {
                headers.add(name: "Content-Type", value: "application/json")
            }
            if body.bytes.readableBytes > configuration.maxBody {
                throw SampleRefusal("the body has \(body.bytes.readableBytes) bytes; max_body is \(configuration.maxBody)")
            }
            var request = HTTPRequest(
                method: sample.method.http, version: .http1_1, path: "/api/webhooks/\(id)", rawQuery: sample.query,
                headers: headers, remoteAddress: nil)
            if let refusal = rules.refusal(ofHead: request) { throw SampleRefusal(refusal) }
            request.body = body.bytes
            switch reader.read(request, id: id, opening: opening) {
            case .answer(let answer):
                guard answer.status.code < 300 else { throw SampleRefusal(answer) }
                return SampleReception([], notes: notes + ["the source answers this request itself, without an event"])
            case .one(let message): return SampleReception([message], notes: notes)
            case .several(let messages): return SampleReception(messages, notes: notes)
            }
        }
    }
}

extension WebhookSourceConfiguration {
    /// The same without the check of signatures.
    fileprivate var unsigned: Self {
        var unsigned = self
        unsigned.signature = nil
        return unsigned
    }
}

extension SampleRefusal {
    fileprivate init(_ answer: HTTPResponse) {
        let body = String(buffer: answer.body)
        self.init("the source answers \(answer.status.code) \(answer.status.reasonPhrase)\(body.isEmpty ? "" : ": \(body)")")
    }
}
