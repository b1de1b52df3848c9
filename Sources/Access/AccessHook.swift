import BridgeConfiguration
import Curl
import HTTPServer
import JSON
import Logging
import NIOCore
import NIOHTTP1

/// Asks somebody else over HTTP whether a request is let through.
///
/// Sent is a GET with the request's `Authorization`, `Cookie`, `Origin` and `User-Agent`, its method as `X-Original-Method`, its target as
/// `X-Original-URI`, and its peer as `X-Forwarded-For`. A 2xx answer lets it through: with a JSON object of `subscribe`, `publish`, `name`
/// and `expires` (seconds since 1970) that far, without one to everything. 401 and 403 refuse; anything else is answered 503, since nobody
/// can tell.
actor AccessHook {
    private static let cacheLimit = 10_000

    private let settings: AccessSettings.Hook
    private let curl: CurlMulti
    private let logger: Logger
    private var cache: [String: (grant: HTTPGrant, until: ContinuousClock.Instant)] = [:]

    init(_ settings: AccessSettings.Hook, curl: CurlMulti, logger: Logger) {
        self.settings = settings
        self.curl = curl
        self.logger = logger
    }

    /// - Throws: ``HTTPRefusal``.
    func grant(_ request: HTTPRequest) async throws -> HTTPGrant {
        let target = request.path + (request.rawQuery.isEmpty ? "" : "?" + request.rawQuery)
        let passed = ["Authorization", "Cookie", "Origin", "User-Agent"].flatMap { name in
            request.headers[name].filter(CurlRequest.isHeaderValue).map { (name: name, value: $0) }
        }
        let key = ([request.method.rawValue, target] + passed.prefix { $0.name != "User-Agent" }.map(\.value)).joined(
            separator: "\n")
        if let known = self.cache[key], known.until > .now { return known.grant }
        var headers = passed
        headers += [("X-Original-Method", request.method.rawValue), ("X-Original-URI", target)]
        if let address = request.remoteAddress?.ipAddress { headers.append(("X-Forwarded-For", address)) }
        let grant = try await self.ask(headers)
        if self.settings.cache > .zero {
            if self.cache.count >= Self.cacheLimit { self.cache = self.cache.filter { $0.value.until > .now } }
            if self.cache.count < Self.cacheLimit { self.cache[key] = (grant, .now + self.settings.cache) }
        }
        return grant
    }

    private func ask(_ headers: [CurlRequest.Header]) async throws -> HTTPGrant {
        let response: CurlResponse
        do {
            response = try await self.curl.response(
                to: CurlRequest(self.settings.url, headers: headers, timeout: self.settings.timeout), bodyLimit: 64 << 10)
        } catch {
            self.logger.warning("The access hook does not answer", metadata: ["error": "\(error)"])
            throw Self.undecided
        }
        switch response.head.status {
        case 200..<300: return Self.grant(response.body)
        case 401:
            throw HTTPRefusal(
                .error(.unauthorized, "Not let in", headers: [("WWW-Authenticate", "Bearer realm=\"streambridge\"")]))
        case 403: throw HTTPRefusal(.error(.forbidden, "Not let in"))
        default:
            self.logger.warning("The access hook cannot tell", metadata: ["status": "\(response.head.status)"])
            throw Self.undecided
        }
    }

    private static var undecided: HTTPRefusal {
        HTTPRefusal(.error(.serviceUnavailable, "Access cannot be decided now", headers: [("Retry-After", "5")]))
    }

    private static func grant(_ body: ByteBuffer) -> HTTPGrant {
        let parser = JSONParser()
        guard let root = try? parser.parse(body), root.kind == .object else { return HTTPGrant(subscribe: ["#"], publish: ["#"]) }
        return withExtendedLifetime(parser) {
            func list(_ name: String) -> [String] {
                var result: [String] = []
                root[name]?.forEachItem { result.append($0.text()) }
                return result
            }
            return HTTPGrant(
                name: root["name"]?.string, subscribe: list("subscribe"), publish: list("publish"),
                expires: root["expires"]?.double.map(HTTPGrant.milliseconds)
            )
        }
    }
}
