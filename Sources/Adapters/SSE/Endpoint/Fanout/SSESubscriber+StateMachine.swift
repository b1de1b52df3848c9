extension SSESubscriber {
    /// Decides what one subscriber gets, how far it may fall behind, and when its connection ends; performs no I/O.
    ///
    /// A value of its subscriber, on the event loop. The subscriber reports events and performs the returned action. A
    /// change is complete before its action is returned, because an action can cause the next report: a flush that
    /// empties the channel immediately reports that the channel is writable. Times are ticks of the view's timing and
    /// wrap around.
    ///
    /// Invariants:
    /// 1. ``position`` never decreases. Every event of the view up to it was written once, reported in a gap, or replaced by conflation.
    /// 2. A live subscriber has everything that its loop received, and the channel holds no bytes made for it alone.
    /// 3. Bytes bypass the channel only while the channel holds none, so they leave in the order of their writes.
    /// 4. Nothing is written after the farewell or the close.
    /// 5. A blocked and a finishing subscriber are closed after the stall time without progress.
    struct StateMachine {
        enum State: Equatable {
            /// It has everything; new events are written to it at once.
            case live
            /// It reads missing events from the history in turns; shortening skips those that it is too slow for.
            case reading(isShortening: Bool)
            /// It waits until the channel has room and holds no bytes made for it alone.
            case blocked(Progress)
            /// The farewell is in the channel; the close follows.
            case finishing(Progress, SSEMetrics.End)
            /// The channel is closed, or about to be.
            case closed(SSEMetrics.End)
        }

        /// When the socket last took data, and how many bytes were in the channel then.
        struct Progress: Equatable {
            var since: UInt32
            var buffered: UInt32
        }

        /// The action after a complete change.
        enum Action: Equatable {
            case nothing
            case writeComment
            /// Write an id that is the current cursor.
            case writeCursor(UInt64)
            /// A last control event with the sequence up to which the subscriber has everything, and the end of the
            /// body; the close follows.
            case writeFarewell(UInt64)
            case close
        }

        /// The limit of writes in the channel.
        ///
        /// Each takes about 250 bytes of overhead, and events that compress well have fewer.
        static let maximumPendingWrites: UInt16 = 16

        // One exists per connection: this order of the properties takes the least memory.
        /// The sequence up to which everything was sent or skipped.
        private(set) var position: UInt64
        /// The latest sequence whose loss the subscriber knows of.
        private(set) var knownLoss: UInt64
        /// The lag in bytes at the start, until it has caught up: reading the history does not count as slow.
        private var allowance: UInt64
        /// Bytes made for it alone that are in the channel.
        private(set) var held: UInt32 = 0
        /// Bytes of the buffers with encrypted copies in the channel.
        private var copied: UInt32 = 0
        /// When something was last written.
        private var writtenAt: UInt32
        /// How early the comment is due, before a whole heartbeat has passed.
        private(set) var phase: UInt32 = 0
        private(set) var state = State.reading(isShortening: false)
        /// Writes in the channel.
        private(set) var pendingWrites: UInt16 = 0
        /// Whether it has read events that do not match since the last id that it got.
        private var isCursorDue = false
        /// When its maximum age is reached; `nil` for never.
        private let until: UInt32?

        /// - Parameter until: when the connection ends because of its age; `nil` for never.
        init(start: SSEResolution, now: UInt32, until: UInt32?) {
            self.position = start.position
            self.knownLoss = start.knownLoss
            self.allowance = start.lag
            self.writtenAt = now
            self.until = until
        }

        /// Whether the next bytes may go to the socket without the channel.
        var mayBypassChannel: Bool { self.pendingWrites == 0 && !self.isEnding }

        private var hasRoomForWrites: Bool { self.pendingWrites < Self.maximumPendingWrites }

        /// Whether it may continue to read.
        private var isDrained: Bool { self.held == 0 && self.pendingWrites <= Self.maximumPendingWrites / 2 }

        /// Whether the next step of reading skips events for a slow subscriber.
        var isShortening: Bool { self.state == .reading(isShortening: true) }

        /// Whether only the farewell may still be written.
        var isEnding: Bool { self.end != nil }

        private var end: SSEMetrics.End? {
            switch self.state {
            case .live, .reading, .blocked: nil
            case .finishing(_, let end), .closed(let end): end
            }
        }

        // MARK: - What is new

        enum Delivery: Equatable {
            case skip
            case write
            case startReading
        }

        /// The subscriber has joined its group; the opening is written.
        ///
        /// - Parameter phase: how early the comment is due, before a whole heartbeat has passed.
        mutating func opened(phase: UInt32, now: UInt32) {
            self.phase = phase
            self.writtenAt = now
        }

        /// A batch was rendered for all subscribers of the view.
        ///
        /// - Parameters:
        ///   - previous: the sequence up to which a subscriber must have everything to receive the batch next.
        ///   - buffered: bytes in the channel.
        mutating func deliver(
            after previous: UInt64, through last: UInt64, now: UInt32, isWritable: @autoclosure () -> Bool,
            buffered: @autoclosure () -> Int
        ) -> Delivery {
            guard case .live = self.state, last > self.position else { return .skip }
            guard self.hasRoomForWrites, isWritable() else {
                self.block(now, buffered())
                return .skip
            }
            guard previous <= self.position else {
                self.state = .reading(isShortening: false)
                return .startReading
            }
            self.position = last
            self.writtenAt = now
            self.isCursorDue = false
            return .write
        }

        /// The history has a batch whose events for the view are decided later.
        ///
        /// - Returns: whether to start reading.
        mutating func historyGrew(now: UInt32, isWritable: Bool, buffered: @autoclosure () -> Int) -> Bool {
            guard case .live = self.state else { return false }
            guard self.hasRoomForWrites, isWritable else {
                self.block(now, buffered())
                return false
            }
            self.state = .reading(isShortening: false)
            return true
        }

        // MARK: - Reading the history

        enum Step: Equatable {
            /// Reading is finished for now.
            case done
            case shorten
            case read(after: UInt64, knownLoss: UInt64)
        }

        enum Loss: Equatable {
            case close
            case writeGap(since: UInt64)
        }

        /// The channel has room again.
        ///
        /// - Returns: whether to start reading.
        mutating func becameWritable(now: UInt32, buffered: @autoclosure () -> Int) -> Bool {
            guard case .blocked = self.state else { return false }
            guard self.isDrained else {
                self.block(now, buffered())
                return false
            }
            self.state = .reading(isShortening: self.allowance == 0)
            return true
        }

        /// It is the subscriber's turn.
        ///
        /// It reads no further until the channel has sent all of its own bytes.
        mutating func nextStep(now: UInt32, isWritable: Bool, buffered: @autoclosure () -> Int) -> Step {
            switch self.state {
            case .live, .blocked, .finishing, .closed: return .done
            case .reading(isShortening: true): return .shorten
            case .reading(isShortening: false):
                guard isWritable, self.held == 0, self.hasRoomForWrites else {
                    self.block(now, buffered())
                    return .done
                }
                return .read(after: self.position, knownLoss: self.knownLoss)
            }
        }

        /// The history has no more events.
        mutating func caughtUp(to head: UInt64) {
            guard case .reading = self.state else { return }
            self.position = max(self.position, head)
            self.allowance = 0
            self.state = .live
        }

        /// The history has events up to a sequence, some of which may match.
        ///
        /// - Returns: whether to write those.
        mutating func read(through sequence: UInt64, hasEvents: Bool, now: UInt32) -> Bool {
            guard case .reading = self.state else { return false }
            self.state = .reading(isShortening: false)
            self.position = max(self.position, sequence)
            self.isCursorDue = !hasEvents
            if hasEvents { self.writtenAt = now }
            return hasEvents
        }

        /// Events of a snapshot, or its end, are written; events after ``position`` follow them.
        mutating func wroteSnapshot(now: UInt32) {
            self.writtenAt = now
        }

        /// The history has removed events that the subscriber needs.
        mutating func lost(through sequence: UInt64, _ timing: SSEStreamTiming, now: UInt32) -> Loss {
            guard timing.slow.policy != .disconnect else {
                self.state = .closed(.slow)
                return .close
            }
            self.knownLoss = max(self.knownLoss, sequence)
            self.writtenAt = now
            return .writeGap(since: self.position)
        }

        /// Nothing is skipped.
        mutating func needsNoShortening() {
            guard case .reading = self.state else { return }
            self.state = .reading(isShortening: false)
        }

        /// Events up to a sequence are skipped; a gap for them is written next.
        mutating func skipped(through sequence: UInt64, now: UInt32) {
            guard case .reading = self.state else { return }
            self.state = .reading(isShortening: false)
            self.position = max(self.position, sequence)
            self.knownLoss = max(self.knownLoss, sequence)
            self.writtenAt = now
        }

        private mutating func block(_ now: UInt32, _ buffered: Int) {
            self.state = .blocked(Progress(since: now, buffered: UInt32(clamping: buffered)))
        }

        // MARK: - The channel

        /// Bytes were given to the channel.
        ///
        /// - Parameters:
        ///   - own: how many of them were made for this subscriber alone.
        ///   - copied: the size of the buffer with their encrypted copy; 0 without encryption.
        mutating func beganWrite(own: Int, copied: Int = 0) {
            self.pendingWrites += 1
            self.held += UInt32(own)
            self.copied += UInt32(copied)
        }

        /// The socket has accepted them, or the write has failed.
        ///
        /// - Returns: whether to start reading.
        mutating func endedWrite(own: Int, copied: Int = 0, isWritable: @autoclosure () -> Bool) -> Bool {
            self.pendingWrites -= 1
            self.held -= UInt32(own)
            self.copied -= UInt32(copied)
            guard case .blocked = self.state, self.isDrained, isWritable() else { return false }
            self.state = .reading(isShortening: self.allowance == 0)
            return true
        }

        /// How many bytes the subscriber counts in the memory budget: those in the channel, and never more than before
        /// once it is ending.
        ///
        /// - Parameter counted: how many it counts now.
        func budget(counted: Int) -> Int {
            let bytes = Int(self.held) + Int(self.copied)
            return self.isEnding ? min(bytes, counted) : bytes
        }

        // MARK: - Time

        /// A tick has passed.
        ///
        /// - Parameters:
        ///   - through: everything up to this sequence was given to the loop's live subscribers; `nil` if the
        ///     subscriber gets every event.
        ///   - buffered: bytes in the channel.
        ///   - lag: bytes of the view's streams after a sequence.
        mutating func tick(
            _ timing: SSEStreamTiming, now: UInt32, through: UInt64?, isWritable: @autoclosure () -> Bool,
            buffered: @autoclosure () -> Int, lag: (UInt64) -> UInt64
        ) -> Action {
            if let until, !self.isEnding, Int32(bitPattern: now &- until) >= 0 {
                return self.stop(.aged, now: now, isWritable: isWritable())
            }
            switch self.state {
            case .blocked(let progress):
                return self.disconnectIfSlowOrStalled(timing, now, progress, UInt32(clamping: buffered()), lag)
            case .finishing(let progress, let end):
                let buffered = UInt32(clamping: buffered())
                if buffered != progress.buffered {
                    self.state = .finishing(Progress(since: now, buffered: buffered), end)
                } else if now &- progress.since >= timing.stallTicks {
                    return self.disconnect(end)
                }
                return .nothing
            case .closed: return .nothing
            case .live, .reading:
                guard now &- self.writtenAt >= timing.heartbeatTicks - self.phase else { return .nothing }
                self.writtenAt = now
                // Events that it still reads are not skipped.
                guard case .live = self.state, let through, self.isCursorDue || through > self.position else {
                    return .writeComment
                }
                self.position = max(self.position, through)
                self.isCursorDue = false
                return .writeCursor(self.position)
            }
        }

        /// Closes a reader that reads nothing for too long or exceeds its limit.
        private mutating func disconnectIfSlowOrStalled(
            _ timing: SSEStreamTiming, _ now: UInt32, _ progress: Progress, _ buffered: UInt32, _ lag: (UInt64) -> UInt64
        ) -> Action {
            if buffered != progress.buffered {
                self.state = .blocked(Progress(since: now, buffered: buffered))
            } else if now &- progress.since >= timing.stallTicks {
                return self.disconnect(.stalled)
            }
            let bound = UInt64(timing.slow.bytes) + self.allowance
            guard timing.slow.policy == .disconnect, lag(self.position) > bound else { return .nothing }
            return self.disconnect(.slow)
        }

        // MARK: - The end

        /// Ends the stream for this subscriber, with a farewell if the channel has room for one.
        mutating func stop(_ end: SSEMetrics.End, now: UInt32, isWritable: Bool) -> Action {
            switch self.state {
            case .finishing, .closed: return .nothing
            case .live where isWritable, .reading where isWritable:
                self.state = .finishing(Progress(since: now, buffered: 0), end)
                return .writeFarewell(self.position)
            case .live, .reading, .blocked:
                self.state = .closed(end)
                return .close
            }
        }

        /// The socket has accepted the farewell, or the write has failed.
        mutating func farewellEnded() -> Action {
            guard case .finishing(_, let end) = self.state else { return .nothing }
            self.state = .closed(end)
            return .close
        }

        /// The connection ends without a farewell.
        mutating func disconnect(_ end: SSEMetrics.End) -> Action {
            switch self.state {
            case .live, .reading, .blocked: self.state = .closed(end)
            case .finishing(_, let first): self.state = .closed(first)
            case .closed: return .nothing
            }
            return .close
        }

        /// The channel was closed.
        ///
        /// - Returns: why.
        mutating func removed() -> SSEMetrics.End {
            let end = self.end ?? .client
            self.state = .closed(end)
            return end
        }
    }
}
