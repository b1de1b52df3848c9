import BridgeConfiguration
import BridgeCore
import Crypto
import Curl
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1

/// Asks an HTTP service whether a request is granted.
///
/// Sent is a GET with the fields of an ``AccessQuestion``. A 2xx answer grants what ``AccessHookAnswer`` reads in it; 401 and 403 refuse.
/// Everything else is answered 503. Requests that ask the same at the same time share one call, and the number of calls is bounded.
actor AccessHook {
    private static let cacheLimit = 10_000

    private let settings: AccessSettings.Hook
    private let curl: CurlMulti
    private let logs: Logs
    private var cache: [SHA256Digest: (grant: HTTPGrant, until: ContinuousClock.Instant)] = [:]
    private var calls: [SHA256Digest: Eventual<HTTPGrant>] = [:]

    init(_ settings: AccessSettings.Hook, curl: CurlMulti, logger: Logger) {
        self.settings = settings
        self.curl = curl
        self.logs = Logs(logger)
    }

    /// - Parameter names: the streams that the request reads or the webhook that it writes to.
    /// - Throws: ``HTTPRefusal``.
    func grant(_ request: HTTPRequest, names: [String]) async throws -> HTTPGrant {
        let question = AccessQuestion(request, names: names)
        guard CurlRequest.problem(withHeaders: question.headers) == nil else {
            throw HTTPRefusal(.error(.badRequest, "The request names too many streams"))
        }
        let key = question.key
        if let known = self.cache[key], known.until > .now, !known.grant.hasEnded { return known.grant }
        if let call = self.calls[key] { return try await call.value }
        guard self.calls.count < self.settings.maximumCalls else {
            self.logs.busy.note(["max_calls": "\(self.settings.maximumCalls)"])
            throw HTTPRefusal.undecided(retryAfter: 1)
        }
        // Every other equal request waits for the answer to this one meanwhile.
        let call = Eventual<HTTPGrant>()
        self.calls[key] = call
        let result: Result<HTTPGrant, any Error>
        do { result = .success(try await self.ask(question)) } catch { result = .failure(error) }
        self.calls[key] = nil
        call.finish(result)
        let grant = try result.get()
        self.keep(grant, key)
        return grant
    }

    private func keep(_ grant: HTTPGrant, _ key: SHA256Digest) {
        guard self.settings.cache > .zero else { return }
        if self.cache.count >= Self.cacheLimit { self.cache = self.cache.filter { $0.value.until > .now } }
        if self.cache.count < Self.cacheLimit { self.cache[key] = (grant, .now + self.settings.cache) }
    }

    private func ask(_ question: AccessQuestion) async throws -> HTTPGrant {
        let response: CurlResponse
        do {
            response = try await self.curl.response(
                to: CurlRequest(self.settings.url, headers: question.headers, timeout: self.settings.timeout),
                bodyLimit: AccessHookAnswer.limit + 1
            )
        } catch {
            self.logs.silent.note(["error": "\(error)"])
            throw HTTPRefusal.undecided(retryAfter: 5)
        }
        switch response.head.status {
        case 200..<300:
            do {
                let grant = try AccessHookAnswer.grant(response.head, body: response.body)
                guard !grant.hasEnded else {
                    self.logs.ended.note(["expires": "\(grant.expires.map { Timestamp(milliseconds: $0).description } ?? "")"])
                    throw HTTPRefusal(.error(.forbidden, "Forbidden"))
                }
                return grant
            } catch let error as AccessHookAnswer.Unusable {
                self.logs.unusable.note(["status": "\(response.head.status)", "error": "\(error.reason)"])
                throw HTTPRefusal.undecided(retryAfter: 5)
            }
        case 401:
            throw HTTPRefusal(
                .error(.unauthorized, "Unauthorized", headers: [("WWW-Authenticate", "Bearer realm=\"streambridge\"")]))
        case 403: throw HTTPRefusal(.error(.forbidden, "Forbidden"))
        default:
            self.logs.unexpected.note(["status": "\(response.head.status)"])
            throw HTTPRefusal.undecided(retryAfter: 5)
        }
    }

    /// A failing hook fails every request.
    private struct Logs: Sendable {
        let silent: BurstLog
        let unexpected: BurstLog
        let unusable: BurstLog
        let ended: BurstLog
        let busy: BurstLog

        init(_ logger: Logger) {
            self.silent = BurstLog("Access hook did not respond", logger: logger)
            self.unexpected = BurstLog("Access hook returned an unexpected status", logger: logger)
            self.unusable = BurstLog("Access hook returned an unusable answer", logger: logger)
            self.ended = BurstLog("Access hook granted access until a time in the past; refused", logger: logger)
            self.busy = BurstLog("Access hook calls are at their limit; further requests are answered 503", logger: logger)
        }
    }
}

extension HTTPGrant {
    /// Whether it has expired.
    fileprivate var hasEnded: Bool { self.expires.map { $0 <= Timestamp.now().milliseconds } ?? false }
}
