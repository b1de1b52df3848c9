import Synchronization

/// Puts what a source has brought into the log: normalises, routes and appends a batch under the lock of the source's intake.
///
/// Thread-safe. Blocks for as long as the expressions of the routes and of `normalise` take.
final class SourceAppender: Sendable {
    let log: DeliveryLog
    let source: SourceIndex
    private let intake: Mutex<SourceIntake>
    private let emitsGaps: Bool
    private let tallies: SourceTallies

    init(
        log: DeliveryLog, source: SourceIndex, intake: sending SourceIntake, emitsGaps: Bool, tallies: SourceTallies
    ) {
        self.log = log
        self.source = source
        self.intake = Mutex(intake)
        self.emitsGaps = emitsGaps
        self.tallies = tallies
    }

    /// See ``SourceOutlet/send(_:mayBlock:)``.
    func send(_ messages: [ReceivedMessage], mayBlock: Bool) -> SourceOutlet.Receipt {
        // Appended under the intake's lock: two threads of one source must not overtake each other between the two steps.
        let receipt = self.intake.withLock { intake in
            let records = intake.records(of: messages)
            return self.append(records, intake, wakesWriter: !mayBlock)
        }
        if mayBlock { self.log.write(for: self.source) }
        return receipt
    }

    /// See ``SourceOutlet/send(_:)``.
    func send(_ message: ReceivedMessage) -> (receipt: SourceOutlet.Receipt, id: String?) {
        self.intake.withLock { intake in
            let records = intake.records(of: [message])
            let receipt = self.append(records, intake)
            return (receipt, intake.lastID)
        }
    }

    /// Appends a batch whose senders want to know the ids.
    ///
    /// - Returns: by message, what ``SourceOutlet/send(_:)`` returns for it.
    func sendAll(_ messages: [ReceivedMessage]) -> (receipt: SourceOutlet.Receipt, ids: [String?]) {
        self.intake.withLock { intake in
            let records = intake.records(of: messages, asksIDs: true)
            let receipt = self.append(records, intake)
            return (receipt, intake.ids)
        }
    }

    private func append(_ records: [LogRecord], _ intake: SourceIntake, wakesWriter: Bool = true) -> SourceOutlet.Receipt {
        let receipt = self.log.append(
            records, repeated: intake.repeatedSinks, source: self.source, wakesWriter: wakesWriter)
        self.tallies.lost(records, isKept: self.log.keepsLetters)
        return receipt
    }

    /// See ``SourceOutlet/gap(_:subject:during:)``.
    func gap(_ reason: String, subject: String, during period: OfflinePeriod?) -> SourceOutlet.Receipt {
        self.tallies.gap(reason)
        guard self.emitsGaps else { return self.log.append([], source: self.source) }
        return self.intake.withLock { intake in
            self.log.append(
                [intake.record(ofGap: reason, subject: subject, payload: period?.payload)], source: self.source)
        }
    }

    /// See ``SourceOutlet/giveUp(_:reason:attempts:)``.
    func giveUp(_ message: ReceivedMessage, reason: String, attempts: Int) -> SourceOutlet.Receipt {
        guard let event = self.intake.withLock({ $0.eventToGiveUp(of: message) }) else {
            return self.log.append([], source: self.source)
        }
        let kept = self.log.keep(event, repeatKey: message.repeatKey, reason: reason, attempts: attempts, source: self.source)
        guard let receipt = kept else { return self.gap(reason, subject: message.subject, during: nil) }
        self.tallies.givenUp(reason)
        return receipt
    }
}
