import BridgeCore
import Curl
import JSON
import NIOCore

/// An answer: its head and the beginning of its body.
struct WebhookAnswer: Sendable {
    let head: CurlHead
    let body: ByteBuffer
    /// Whether the body has more than is kept.
    let isCut: Bool

    /// What the answer means beyond its status.
    func verdict(_ reading: WebhookAnswerReading) -> WebhookVerdict {
        guard !reading.isEmpty else { return WebhookVerdict(meaning: .accepted, wait: nil) }
        let parser = JSONParser()
        // A longer or incomplete answer is the page of a proxy, or of a server on its way down.
        guard !self.isCut, let element = try? parser.parse(self.body) else {
            return WebhookVerdict(meaning: reading.success == nil ? .accepted : .unknown, wait: nil)
        }
        return WebhookVerdict(
            meaning: reading.success.map { Self.isTrue($0.element(in: element)) } ?? true ? .accepted : .refused,
            wait: reading.wait.flatMap { Self.wait($0.element(in: element)) }
        )
    }

    private static func isTrue(_ element: JSONElement?) -> Bool {
        guard let element else { return false }
        switch element.kind {
        case .null: return false
        case .bool: return element.bool == true
        default: return !["", "0", "false"].contains(element.text())
        }
    }

    /// Seconds, also with a fraction or as a text, up to those that `Retry-After` may say.
    private static func wait(_ element: JSONElement?) -> Duration? {
        guard let element, let seconds = element.double ?? Double(element.text()), seconds >= 0, seconds.isFinite else {
            return nil
        }
        return .milliseconds(Int64(min(seconds, 86_400) * 1000))
    }
}

/// What the body of an answer says.
struct WebhookVerdict: Equatable {
    /// What a status of success is worth.
    enum Meaning {
        case accepted, refused
        /// Not JSON, or not all of it.
        case unknown
    }

    let meaning: Meaning
    /// How long the peer asks to wait.
    let wait: Duration?
}

/// Where the body of an answer says more than its status: `success: .ok` and `retry.after: .parameters.retry_after`.
struct WebhookAnswerReading: Sendable {
    /// Confirms the event unless it is absent, `null`, `false`, 0 or empty.
    var success: EventPath?
    /// Seconds.
    var wait: EventPath?

    var isEmpty: Bool { self.success == nil && self.wait == nil }
    /// How many bytes of a body are kept.
    var kept: Int { self.isEmpty ? WebhookReception.excerptLimit : 64 << 10 }
}

extension SettingCodec where Value == EventPath {
    /// A path in the JSON of an answer, such as `.ok`.
    static var answerPath: Self {
        Self(.text("path in the answer")) { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            guard text.first == ".", let path = EventPath(payload: String(text.dropFirst())) else {
                throw SettingError(path: decoder.codingPath, "'\(text)' is not a path in the answer; write one such as .ok")
            }
            return path
        }
    }
}
