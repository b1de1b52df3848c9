/// Compares what was published with what has arrived.
///
/// - *Lost*: a message of which no copy has arrived.
/// - *Out of order*: a message whose first copy arrives after the first copy of a later one of its key. A further copy may step
///   back: a sender repeats from its last acknowledged message.
/// - *Foreign*: a copy with another id than its message was published with, or that is no message of the round.
/// - *Unexplained*: a message with more copies than its publisher has sent and two for each fault of the round: after a fault
///   each of the two hops, to the program and from it, may repeat what was in flight.
struct Reconciliation: Sendable {
    /// One copy as it arrived.
    struct Arrival: Sendable, Equatable {
        let text: String
        let id: String
    }

    private(set) var lost: [NumberedMessage] = []
    private(set) var outOfOrder: [NumberedMessage] = []
    private(set) var foreign: [Arrival] = []
    private(set) var unexplained: [NumberedMessage] = []
    /// Copies beyond the first.
    private(set) var duplicates = 0

    /// - Parameters:
    ///   - attempts: how often the publisher has sent each message.
    ///   - arrivals: every copy, in order of arrival.
    ///   - faults: how many there were.
    init(attempts: [NumberedMessage: Int], arrivals: [Arrival], faults: Int) {
        var copies: [NumberedMessage: Int] = [:]
        var newest: [String: Int] = [:]
        for arrival in arrivals {
            guard let message = NumberedMessage(text: arrival.text), attempts[message] != nil, arrival.id == message.id else {
                self.foreign.append(arrival)
                continue
            }
            copies[message, default: 0] += 1
            guard copies[message] == 1 else {
                self.duplicates += 1
                continue
            }
            if message.number < newest[message.key, default: -1] { self.outOfOrder.append(message) }
            newest[message.key] = max(message.number, newest[message.key, default: -1])
        }
        for (message, sent) in attempts {
            let count = copies[message, default: 0]
            if count == 0 { self.lost.append(message) }
            if count > sent + 2 * faults { self.unexplained.append(message) }
        }
        self.lost.sort { ($0.key, $0.number) < ($1.key, $1.number) }
        self.unexplained.sort { ($0.key, $0.number) < ($1.key, $1.number) }
    }

    /// What is wrong, one line each; none when all is well.
    var complaints: [String] {
        func line(_ what: String, _ texts: [String]) -> [String] {
            texts.isEmpty ? [] : ["\(texts.count) \(what): \(texts.prefix(10).joined(separator: " "))"]
        }
        return line("lost", self.lost.map(\.text)) + line("out of order", self.outOfOrder.map(\.text))
            + line("foreign", self.foreign.map { "'\($0.text)' with the id '\($0.id)'" })
            + line("unexplained copies", self.unexplained.map(\.text))
    }
}
