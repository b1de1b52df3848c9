import BridgeCore
import Compression
import HTTPServer
import NIOCore
import NIOHTTP1

/// What requests for streams are answered.
///
/// Immutable. On the event loop of the connection.
struct SSEEndpoint: Sendable {
    private let hub: SSEHub
    /// Decides about streams that have no token of their own; `nil` leaves them open.
    private let access: (any HTTPAccess)?

    init(hub: SSEHub, access: (any HTTPAccess)?) {
        self.hub = hub
        self.access = access
    }

    /// Opens the streams or says why not.
    func answer(_ request: HTTPRequest, framing: HTTPFraming) -> HTTPStreamAnswer {
        var streams: [SSEStream] = []
        do throws(SSERefusal) {
            let parameters: SSEParameters
            do { parameters = try SSEParameters(request) } catch { throw SSERefusal(.badRequest, error.message) }
            let names = try SSERequest.names(request, parameters)
            streams = self.hub.streams(for: names)
            if let missing = names.first(where: { name in !streams.contains { $0.canHave(name) } }) {
                // Whoever comes back to a stream that is no longer there must not come for ever.
                guard parameters.lastEventID == nil else { throw SSERefusal(HTTPResponse(.noContent)) }
                throw SSERefusal(.notFound, "There is no stream '\(missing.text)'")
            }
            try SSETokens.check(request, streams)
            guard let access, streams.contains(where: { $0.settings.token == nil }) else {
                return try self.answer(request, framing, parameters, names, streams, nil)
            }
            return .later(
                access.grant(request, names: names.map(\.text)).map { [streams] grant in
                    do throws(SSERefusal) {
                        return try self.answer(request, framing, parameters, names, streams, SSEPermission(grant))
                    } catch {
                        return Self.refuse(error.response, request, streams)
                    }
                }.flatMapErrorThrowing { [streams] error in
                    guard let response = (error as? HTTPRefusal)?.response else { throw error }
                    return Self.refuse(response, request, streams)
                }
            )
        } catch {
            return Self.refuse(error.response, request, streams)
        }
    }

    private static func refuse(_ response: HTTPResponse, _ request: HTTPRequest, _ streams: [SSEStream]) -> HTTPStreamAnswer {
        var response = response
        response.headers += SSEOrigins(streams).headers(request) + [("Vary", "Origin")]
        return .respond(response)
    }

    /// Answers OPTIONS; one that names no stream is about all of them, since a body names some later.
    func preflight(_ request: HTTPRequest) -> HTTPResponse {
        let names = (try? SSEParameters(request)).flatMap { try? SSERequest.names(request, $0) }
        let streams = names.map { self.hub.streams(for: $0) } ?? self.hub.allStreams
        return SSEOrigins(streams).preflight(request)
    }

    private func answer(
        _ request: HTTPRequest, _ framing: HTTPFraming, _ parameters: SSEParameters, _ names: [SubjectPattern],
        _ streams: [SSEStream], _ permission: SSEPermission?
    ) throws(SSERefusal) -> HTTPStreamAnswer {
        let now = Timestamp.now()
        try permission?.check(names, streams)
        if let pattern = names.first(where: { $0.syntax == .mqtt }) {
            // Whoever is granted a pattern may ask for it.
            guard streams.allSatisfy({ $0.settings.patterns || (permission != nil && $0.settings.token == nil) }) else {
                throw SSERefusal(.forbidden, "The pattern '\(pattern.text)' is not allowed here")
            }
        }
        let asked = try SSERequest(request, parameters, names: names, streams: streams, now: now)
        guard !streams.contains(where: \.isClosing) else {
            throw SSERefusal(SSEShedding.answer(request, .serviceUnavailable, "The server is going away", streams))
        }
        let place = try SSEPlace(request, asked, hub: self.hub, permission: permission, now: now)
        let resolution = self.hub.resolve(asked.start, place.view, now: now)
        if resolution.gap != nil { streams.forEach { $0.metrics.gaps.increment() } }
        switch asked.accept {
        case .stream: return try self.open(request, asked, place, resolution, framing)
        case .batch(let wait): return try self.batch(request, asked, place, resolution, wait: wait)
        }
    }

    private func open(
        _ request: HTTPRequest, _ asked: SSERequest, _ place: SSEPlace, _ resolution: SSEResolution, _ framing: HTTPFraming
    ) throws(SSERefusal) -> HTTPStreamAnswer {
        let position = SSECursor(epoch: self.hub.epoch, sequence: resolution.position)
        var headers: [(name: String, value: String)] = [
            ("Content-Type", asked.selection.format.contentType), ("Cache-Control", "no-store, no-transform"),
            ("X-Accel-Buffering", "no"), ("Vary", "Origin, Accept-Encoding"), ("Streambridge-Cursor", "\(position)"),
        ]
        if asked.selection.coding != .identity { headers.append(("Content-Encoding", asked.selection.coding.rawValue)) }
        if let gap = resolution.gap { headers.append(("Streambridge-Gap", gap.reason.rawValue)) }
        let padding = try Self.integer(asked.parameters, "padding", in: 0...8192, default: 0)
        let head = HTTPResponse(.ok, headers: headers + SSEOrigins(asked.streams).headers(request))
        let opening = asked.selection.format.opening(
            reconnect: place.view.pace.reconnect.milliseconds, gap: resolution.gap, position: position, padding: padding
        )
        let hub = self.hub
        return .open(
            HTTPStreamOpening(head: head) { channel in
                SSESocket.prepare(channel, dead: place.view.pace.slow.dead)
                let shard = hub.shard(on: channel.eventLoop)
                return SSESubscriber(
                    group: shard.group(of: place.view, hub: hub), framing: framing, place: place, start: resolution,
                    opening: opening
                )
            }
        )
    }

    private func batch(
        _ request: HTTPRequest, _ asked: SSERequest, _ place: SSEPlace, _ resolution: SSEResolution, wait: Bool
    ) throws(SSERefusal) -> HTTPStreamAnswer {
        let limit = try Self.integer(asked.parameters, "limit", in: 1...10_000, default: 1000)
        let seconds = try Self.integer(asked.parameters, "timeout", in: 1...120, default: 25)
        let headers: [(name: String, value: String)] =
            [("Cache-Control", "no-store"), ("Vary", "Origin, Accept")] + SSEOrigins(asked.streams).headers(request)
        let hub = self.hub
        guard wait, request.method != .HEAD else {
            let extract = SSEExtract(hub, place.view, resolution, limit: limit, EventReader())
            return .respond(.json(.ok, extract.json, headers: headers))
        }
        let promise = hub.home.makePromise(of: String.self)
        hub.home.execute {
            let poll = SSEPoll(
                hub: hub, place: place, start: resolution, limit: limit, deadline: .now() + .seconds(Int64(seconds)),
                promise: promise
            )
            guard !poll.answer() else { return }
            hub.shard(on: hub.home).group(of: place.view, hub: hub).add(poll)
        }
        return .later(promise.futureResult.map { .respond(.json(.ok, $0, headers: headers)) })
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
