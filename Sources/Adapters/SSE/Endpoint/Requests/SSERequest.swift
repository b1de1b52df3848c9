import BridgeCore
import Compression
import HTTPServer
import NIOHTTP1

/// A parsed request for streams: what it selects, and in which form.
struct SSERequest {
    /// The largest number of names and filters in one request.
    static let nameLimit = 64

    let names: [SubjectPattern]
    let streams: [SSEStream]
    let accept: SSEAccept
    let selection: SSESelection
    let start: SSEStart
    let parameters: SSEParameters

    /// The streams that a request names.
    ///
    /// - Throws: ``SSERefusal``.
    static func names(_ request: HTTPRequest, _ parameters: SSEParameters) throws(SSERefusal) -> [SubjectPattern] {
        var texts = parameters.list("streams")
        if let path = request.parameters.first(where: { $0.name == "streams" })?.value {
            texts += path.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { String(Substring($0)) }
        }
        guard !texts.isEmpty else { throw SSERefusal(.badRequest, "The request names no stream") }
        guard texts.count <= Self.nameLimit else {
            throw SSERefusal(.badRequest, "\(texts.count) streams are too many for one connection; \(Self.nameLimit) at most")
        }
        do {
            return try texts.map { text throws(SSERequestError) in try SSEName.pattern(text) }
        } catch {
            throw SSERefusal(.badRequest, error.message)
        }
    }

    /// Whether the client fails to decode the coding that it accepts.
    ///
    /// `requests` makes Python's `sseclient` accept gzip, but the client reads the socket without decoding.
    private static func readsRawBytes(_ request: HTTPRequest) -> Bool {
        request.header("User-Agent")?.hasPrefix("python-requests/") ?? false && request.header("Cache-Control") == "no-cache"
            && request.header("Accept") == "text/event-stream"
    }

    /// The valid names in the path and the query of a request.
    static func names(inAddressOf request: HTTPRequest) -> [SubjectPattern] {
        let path = request.parameters.first { $0.name == "streams" }?.value ?? ""
        let inQuery = (try? SSEParameters(query: request.rawQuery))?.list("streams") ?? []
        let texts = path.utf8.split(separator: UInt8(ascii: ",")).map { String(Substring($0)) } + inQuery
        return texts.prefix(Self.nameLimit).compactMap { try? SSEName.pattern($0) }
    }

    /// The compiler of `when` for some streams; `nil` if one of them forbids it.
    static func compiler(of streams: [SSEStream]) -> (any ExpressionCompiler)? {
        streams.allSatisfy { $0.settings.compiler != nil } ? streams.first?.settings.compiler : nil
    }

    /// - Parameters:
    ///   - names: the result of ``names(_:_:)``.
    ///   - streams: those that can have events of these names.
    ///   - condition: the result of ``compiler(of:)`` for `when`.
    /// - Throws: ``SSERefusal``.
    init(
        _ request: HTTPRequest, _ parameters: SSEParameters, names: [SubjectPattern], streams: [SSEStream],
        condition: (any Expression)?, now: Timestamp
    ) throws(SSERefusal) {
        guard let accept = SSEAccept(request, parameters) else { throw SSERefusal(.notAcceptable, SSEAccept.offer) }
        let hasSnapshot = streams.contains { $0.settings.snapshot != nil }
        // Events of a stream without a snapshot must not be behind the cursor of an answer that left them out.
        let isComplete = streams.allSatisfy { $0.settings.snapshot != nil }
        let standard: SSEStart =
            accept == .batch(wait: false) && !(hasSnapshot && isComplete) ? .earliest : hasSnapshot ? .snapshot : .live
        guard let start = SSEStart(parameters, now: now, else: standard) else {
            throw SSERefusal(.badRequest, SSEStart.complaint(about: parameters.value("since") ?? ""))
        }
        guard start != .snapshot || hasSnapshot else {
            throw SSERefusal(.badRequest, "this stream has no snapshot; its 'snapshot' setting is absent")
        }
        let filter: SSEFilter
        let fields: SSEFields
        do {
            filter = try SSEFilter(parameters, condition: condition)
            fields = try SSEFields(parameters, streams: streams)
        } catch { throw SSERefusal(.badRequest, error.message) }
        var format = SSEFormat.events
        var coding = SSECoding.identity
        if case .stream(let wanted) = accept {
            format = wanted
            if streams.allSatisfy(\.settings.compression) {
                guard let negotiated = SSECoding.negotiate(request.headers["Accept-Encoding"]) else {
                    throw SSERefusal(.notAcceptable, "This stream is sent as gzip, zstd or identity")
                }
                coding = Self.readsRawBytes(request) ? .identity : negotiated
            }
        }
        self.names = names
        self.streams = streams
        self.accept = accept
        self.start = start
        self.parameters = parameters
        // The names do not matter if every stream has just one.
        let isFixed = streams.allSatisfy(\.isFixed)
        self.selection = SSESelection(
            streams: streams.map(\.number), names: isFixed ? [] : names, filter: filter, fields: fields, format: format,
            coding: coding
        )
    }
}
