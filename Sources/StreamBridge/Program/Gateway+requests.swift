import BridgeCore
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1

extension Gateway {
    /// Counts refusals by reason, and logs each reason once per burst.
    static func refusals(_ metrics: Metrics, _ logger: Logger) -> HTTPRefusals {
        var figures: [HTTPRefusals.Reason: (counter: Counter, log: BurstLog)] = [:]
        for reason in HTTPRefusals.Reason.allCases {
            let counter = metrics.counter(
                "streambridge_access_refusals_total", help: "Requests refused because of missing permissions, by reason.",
                labels: [("reason", reason.rawValue)])
            figures[reason] = (counter, BurstLog("Request refused", logger: logger))
        }
        return HTTPRefusals { [figures] reason, request, detail in
            guard let (counter, log) = figures[reason] else { return }
            counter.increment()
            var facts = Self.facts(of: request)
            facts["reason"] = "\(reason.rawValue)"
            if let detail { facts["detail"] = "\(detail)" }
            log.note(facts)
        }
    }

    /// Logs, at debug, the answers to requests that were refused or that sent an event.
    ///
    /// - Returns: `nil` where debug lines are not logged, so that requests cost nothing.
    static func requestObserver(_ logger: Logger) -> HTTPRouter.Observer? {
        guard logger.logLevel <= .debug else { return nil }
        return { request, response in
            guard response.status.code >= 400 || (request.method != .GET && request.method != .HEAD) else { return }
            var facts = Self.facts(of: request)
            facts["status"] = "\(response.status.code)"
            // Holds the event's id, or the reason of a refusal.
            let answer = response.body.getString(at: response.body.readerIndex, length: min(200, response.body.readableBytes))
            if let answer, !answer.isEmpty { facts["answer"] = "\(answer)" }
            if let agent = request.header("User-Agent") { facts["agent"] = "\(agent.prefix(100))" }
            logger.debug("Request answered", metadata: facts)
        }
    }

    /// The method, path and client; no query, in which some clients send secrets.
    private static func facts(of request: HTTPRequest) -> Logger.Metadata {
        var facts: Logger.Metadata = ["method": "\(request.method.rawValue)", "path": "\(request.path.prefix(200))"]
        if let address = request.remoteAddress?.ipAddress { facts["address"] = "\(address)" }
        return facts
    }
}
