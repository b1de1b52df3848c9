import FoundationEssentials

@testable import WebhookAdapter

extension WebhookFixture {
    /// Settings as a file has them, in JSON.
    static func configuration(_ json: String) throws -> WebhookSourceConfiguration {
        let configuration = try JSONDecoder().decode(WebhookSourceConfiguration.self, from: Data(json.utf8))
        try configuration.validate()
        return configuration
    }
}
