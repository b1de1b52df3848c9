package import NIOHTTP1

/// A method that sends an event: an element of `methods:` in the file.
package enum WebhookMethod: String, Sendable, CaseIterable {
    case post = "POST"
    case put = "PUT"
    /// The fields of the query are the body.
    case get = "GET"

    /// The same for the server.
    package var http: HTTPMethod { HTTPMethod(rawValue: self.rawValue) }
}
