import BridgeCore
import Compression
import HTTPServer
import NIOCore
import NIOHTTP1
import NIOPosix

/// Answers requests for streams.
///
/// Immutable. On the event loop of the connection.
struct SSEEndpoint: Sendable {
    let hub: SSEHub
    /// Decides about streams without a token of their own; `nil` leaves them open, and so do rules that are not enforced.
    private let access: (any HTTPAccess)?
    let refusals: HTTPRefusals?

    /// - Parameter refusals: counts requests without the token of a stream.
    init(hub: SSEHub, access: (any HTTPAccess)?, refusals: HTTPRefusals? = nil) {
        self.refusals = refusals
        self.hub = hub
        self.access = access
    }

    /// The access rules, if there are any now; to be read once for a request, because a reload adds and removes them.
    var enforced: (any HTTPAccess)? { self.access.flatMap { $0.isEnforced ? $0 : nil } }

    /// Opens the streams, or answers with the refusal.
    func answer(_ request: HTTPRequest, framing: HTTPFraming) -> HTTPStreamAnswer {
        let enforced = self.enforced
        var streams: [SSEStream] = []
        do throws(SSERefusal) {
            let parameters: SSEParameters
            do { parameters = try SSEParameters(request) } catch { throw SSERefusal(.badRequest, error.message) }
            let names = try SSERequest.names(request, parameters)
            streams = self.hub.streams(for: names)
            // Only grants open the presence stream.
            if enforced == nil { streams.removeAll { $0 === self.hub.presence } }
            if let missing = names.first(where: { name in !streams.contains { $0.canHave(name) } }) {
                // A client that resumes a stream that no longer exists must not reconnect forever.
                guard parameters.lastEventID == nil else { throw SSERefusal(HTTPResponse(.noContent)) }
                throw SSERefusal(.notFound, "There is no stream '\(missing.text)'")
            }
            try SSETokens.check(request, streams)
            guard streams.contains(where: { $0.settings.token == nil }) else {
                return try self.answer(request, framing, parameters, names, streams, nil)
            }
            guard let access = enforced else { return try self.answer(request, framing, parameters, names, streams, .open) }
            return .later(
                access.grant(request, names: names.map(\.text)).map { [streams] grant in
                    Self.answer(request, streams) { () throws(SSERefusal) in
                        do throws(SSERefusal) {
                            return try self.answer(request, framing, parameters, names, streams, SSEPermission(grant))
                        } catch {
                            if [.unauthorized, .forbidden].contains(error.response.status) { access.refused(request) }
                            throw error
                        }
                    }
                }.flatMapErrorThrowing { [streams] error in
                    let response = HTTPRefusal.response(to: error)
                    return Self.refuse(SSERetryLater.answer(request, insteadOf: response, streams), request, streams)
                }
            )
        } catch {
            // An invalid name does not hide the other streams of the path, whose CORS fields let a page read the
            // refusal.
            if streams.isEmpty { streams = self.hub.streams(for: SSERequest.names(inAddressOf: request)) }
            if error.response.status == .unauthorized {
                self.refusals?.note(request.bearerToken == nil ? .noCredentials : .unknownCredentials, request)
            }
            return Self.refuse(error.response, request, streams)
        }
    }

    private func answer(
        _ request: HTTPRequest, _ framing: HTTPFraming, _ parameters: SSEParameters, _ names: [SubjectPattern],
        _ streams: [SSEStream], _ permission: SSEPermission?
    ) throws(SSERefusal) -> HTTPStreamAnswer {
        let now = Timestamp.now()
        try permission?.check(names, streams)
        if let pattern = names.first(where: { $0.syntax == .mqtt }) {
            // A client with a grant for a pattern may use it.
            guard streams.allSatisfy({ $0.settings.patterns || (permission?.isOpen == false && $0.settings.token == nil) }) else {
                throw SSERefusal(.forbidden, "The pattern '\(pattern.text)' is not allowed here")
            }
        }
        let compiler = SSERequest.compiler(of: streams)
        guard SSEFilter.mustBeCompiled(parameters), compiler != nil else {
            // Without a compiler a condition is refused immediately.
            do { _ = try SSEFilter.condition(parameters, compiler: compiler) } catch {
                throw SSERefusal(.badRequest, error.message)
            }
            return try self.join(request, framing, parameters, names, streams, permission, condition: nil, now)
        }
        // Compiling takes about 20 ms.
        let compiled = NIOThreadPool.singleton.runIfActive(eventLoop: self.hub.home) {
            () -> Result<(any Expression)?, SSERequestError> in
            do throws(SSERequestError) {
                return .success(try SSEFilter.condition(parameters, compiler: compiler))
            } catch {
                return .failure(error)
            }
        }
        return .later(
            compiled.map { result in
                Self.answer(request, streams) { () throws(SSERefusal) in
                    switch result {
                    case .success(let condition):
                        return try self.join(
                            request, framing, parameters, names, streams, permission, condition: condition, now)
                    case .failure(let complaint): throw SSERefusal(.badRequest, complaint.message)
                    }
                }
            })
    }

    /// Creates a lease of the view and resolves where to begin.
    ///
    /// - Parameter condition: the compiled `when`.
    private func join(
        _ request: HTTPRequest, _ framing: HTTPFraming, _ parameters: SSEParameters, _ names: [SubjectPattern],
        _ streams: [SSEStream], _ permission: SSEPermission?, condition: (any Expression)?, _ now: Timestamp
    ) throws(SSERefusal) -> HTTPStreamAnswer {
        let asked = try SSERequest(
            request, parameters, names: names, streams: streams, condition: condition, now: now)
        guard !streams.contains(where: \.isClosing) else {
            throw SSERefusal(SSERetryLater.answer(request, .serviceUnavailable, "The server is shutting down", streams))
        }
        let lease = try SSESubscriberLease(request, asked, hub: self.hub, permission: permission, now: now)
        guard case .count(let count) = asked.start, count > 0 else {
            return try self.begin(request, asked, lease, self.hub.resolve(asked.start, lease.view, now: now), framing)
        }
        let hub = self.hub
        return hub.inSlices {
            var search = SSELatestSearch(view: lease.view, count: count)
            return { shard, deadline in
                guard let position = search.next(in: hub, shard, until: deadline) else { return nil }
                return Self.answer(request, streams) { () throws(SSERefusal) in
                    try self.begin(request, asked, lease, hub.resolve(.position(position), lease.view, now: now), framing)
                }
            }
        }
    }

    private func begin(
        _ request: HTTPRequest, _ asked: SSERequest, _ lease: SSESubscriberLease, _ resolution: SSEResolution,
        _ framing: HTTPFraming
    ) throws(SSERefusal) -> HTTPStreamAnswer {
        if resolution.gap != nil { asked.streams.forEach { $0.metrics.gaps.increment() } }
        switch asked.accept {
        case .stream: return try self.open(request, asked, lease, resolution, framing)
        case .batch(let wait): return try self.batch(request, asked, lease, resolution, wait: wait)
        }
    }

    private func open(
        _ request: HTTPRequest, _ asked: SSERequest, _ lease: SSESubscriberLease, _ resolution: SSEResolution,
        _ framing: HTTPFraming
    ) throws(SSERefusal) -> HTTPStreamAnswer {
        let position = resolution.cursor(epoch: self.hub.epoch)
        var headers: [(name: String, value: String)] = [
            ("Content-Type", asked.selection.format.contentType), ("Cache-Control", "no-store, no-transform"),
            ("X-Accel-Buffering", "no"), ("Vary", "Origin, Accept-Encoding"), ("Streambridge-Cursor", "\(position)"),
        ]
        if asked.selection.coding != .identity { headers.append(("Content-Encoding", asked.selection.coding.rawValue)) }
        if let gap = resolution.gap { headers.append(("Streambridge-Gap", gap.reason.rawValue)) }
        let padding = try Self.integer(asked.parameters, "padding", in: 0...8192, default: 0)
        let head = HTTPResponse(.ok, headers: headers + SSEOrigins(asked.streams).headers(request))
        let opening = asked.selection.format.opening(
            reconnect: lease.view.timing.reconnect.milliseconds, gap: resolution.gap, position: position,
            beginsSnapshot: resolution.beginsSnapshot, padding: padding
        )
        let hub = self.hub
        return .open(
            HTTPStreamOpening(head: head) { channel in
                SSESocket.prepare(channel, dead: lease.view.timing.slow.dead)
                let shard = hub.shard(on: channel.eventLoop)
                return SSESubscriber(
                    group: shard.group(of: lease.view, hub: hub), framing: framing, lease: lease, start: resolution,
                    opening: opening
                )
            }
        )
    }

    private func batch(
        _ request: HTTPRequest, _ asked: SSERequest, _ lease: SSESubscriberLease, _ resolution: SSEResolution, wait: Bool
    ) throws(SSERefusal) -> HTTPStreamAnswer {
        let limit = try Self.integer(asked.parameters, "limit", in: 1...10_000, default: 1000)
        let seconds = try Self.integer(asked.parameters, "timeout", in: 1...120, default: 25)
        let headers: [(name: String, value: String)] =
            [("Cache-Control", "no-store"), ("Vary", "Origin, Accept")] + SSEOrigins(asked.streams).headers(request)
        let hub = self.hub
        let response = SSEPollResponse(lease.view, resolution, limit: limit)
        guard wait, request.method != .HEAD else {
            return hub.inSlices {
                var response = response
                return { shard, deadline in
                    guard response.read(hub, shard, until: deadline) else { return nil }
                    // The lease is held until the answer is complete.
                    return withExtendedLifetime(lease) { Self.answer(response.answer(epoch: hub.epoch), headers) }
                }
            }
        }
        let promise = hub.home.makePromise(of: HTTPResponse.self)
        let waiting = NIOLoopBoundBox.makeEmptyBox(valueType: SSEPoll.self, eventLoop: hub.home)
        hub.home.execute {
            let group = hub.shard(on: hub.home).group(of: lease.view, hub: hub)
            let poll = SSEPoll(
                group: group, lease: lease, response: response, deadline: .now() + .seconds(Int64(seconds)), promise: promise)
            waiting.value = poll
            group.add(poll)
            poll.search()
        }
        // A client that has only half-closed still gets the answer.
        return .later(
            promise.futureResult.map { Self.answer($0, headers) },
            abandoned: { hub.home.execute { waiting.value?.end() } }
        )
    }

    private static func answer(_ response: HTTPResponse, _ headers: [(name: String, value: String)]) -> HTTPStreamAnswer {
        var response = response
        response.headers += headers
        return .respond(response)
    }

    private static func answer(
        _ request: HTTPRequest, _ streams: [SSEStream], _ body: () throws(SSERefusal) -> HTTPStreamAnswer
    ) -> HTTPStreamAnswer {
        do throws(SSERefusal) {
            return try body()
        } catch {
            return Self.refuse(error.response, request, streams)
        }
    }

    private static func integer(
        _ parameters: SSEParameters, _ name: String, in range: ClosedRange<Int>, default fallback: Int
    ) throws(SSERefusal) -> Int {
        do {
            return try parameters.integer(name, in: range, default: fallback)
        } catch {
            throw SSERefusal(.badRequest, error.message)
        }
    }
}
