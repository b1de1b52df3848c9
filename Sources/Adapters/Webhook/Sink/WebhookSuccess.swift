import BridgeCore

/// What confirms an event: `success`, a list of statuses, or a path such as `.ok` in an answer of 2xx.
package struct WebhookSuccess: Sendable {
    /// The statuses of success.
    package let statuses: WebhookStatuses
    /// What the answer must also say; `nil` when the status decides.
    let path: EventPath?

    /// Every 2xx.
    package static let standard = WebhookSuccess(statuses: .success, path: nil)
}

extension SettingCodec where Value == WebhookSuccess {
    /// A list of statuses, or a path.
    static var success: Self {
        let statuses = SettingCodec<WebhookStatuses>.value(.list(.text("status or range")))
        let path = SettingCodec<EventPath>.answerPath
        return Self(.either([statuses.type, path.type]), write: { _ in "200-299" }) { decoder in
            guard (try? decoder.unkeyedContainer()) == nil else {
                return WebhookSuccess(statuses: try statuses.read(decoder), path: nil)
            }
            return WebhookSuccess(statuses: .success, path: try path.read(decoder))
        }
    }
}
