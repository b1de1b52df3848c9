import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// Decisions by the path and query of a request alone, and the form of refusals.
extension SSEEndpoint {
    /// Checks the credentials for the streams in the path and query, before a body is read.
    ///
    /// ``answer(_:framing:)`` checks the names in the body.
    func authorize(_ request: HTTPRequest) -> EventLoopFuture<HTTPResponse?> {
        let named = SSERequest.names(inAddressOf: request)
        let streams = self.hub.streams(for: named)
        let brought = request.bearerToken
        let decision: EventLoopFuture<Void>
        if streams.isEmpty {
            // A stream named only in the body may have this token.
            let isToken =
                brought.map { token in self.hub.allStreams.contains { $0.settings.token?.matches(token) ?? false } } ?? false
            guard let access = self.enforced, !isToken else { return self.hub.home.makeSucceededFuture(nil) }
            decision = access.admit(request)
        } else {
            do throws(SSERefusal) { try SSETokens.check(request, streams) } catch {
                self.refusals?.note(brought == nil ? .noCredentials : .unknownCredentials, request)
                return self.hub.home.makeSucceededFuture(Self.completed(error.response, request, streams))
            }
            guard let access = self.enforced, streams.contains(where: { $0.settings.token == nil }) else {
                return self.hub.home.makeSucceededFuture(nil)
            }
            decision = access.grant(request, names: named.map(\.text)).flatMapThrowing { grant in
                do throws(SSERefusal) {
                    try SSEPermission(grant).check(named, streams)
                } catch {
                    access.refused(request)
                    throw HTTPRefusal(error.response)
                }
            }
        }
        return decision.map { nil }.flatMapErrorThrowing { error in
            let response = HTTPRefusal.response(to: error)
            return Self.completed(SSERetryLater.answer(request, insteadOf: response, streams), request, streams)
        }
    }

    /// Completes a refusal by the server itself, so that a page can read it, and a browser knows when to reconnect.
    func complete(_ request: HTTPRequest, _ response: HTTPResponse) -> HTTPResponse {
        let streams = self.hub.streams(for: SSERequest.names(inAddressOf: request))
        guard !streams.isEmpty else { return response }
        return Self.completed(SSERetryLater.answer(request, insteadOf: response, streams), request, streams)
    }

    private static func completed(_ response: HTTPResponse, _ request: HTTPRequest, _ streams: [SSEStream]) -> HTTPResponse {
        var response = response
        response.headers += SSEOrigins(streams).headers(request) + [("Vary", "Origin")]
        return response
    }

    static func refuse(_ response: HTTPResponse, _ request: HTTPRequest, _ streams: [SSEStream]) -> HTTPStreamAnswer {
        .respond(Self.completed(response, request, streams))
    }

    /// Answers OPTIONS; a request without a stream is about all of them, since a body may name some later.
    func preflight(_ request: HTTPRequest) -> HTTPResponse {
        let names = SSERequest.names(inAddressOf: request)
        let streams = names.isEmpty ? self.hub.allStreams : self.hub.streams(for: names)
        return SSEOrigins(streams).preflight(request)
    }
}
