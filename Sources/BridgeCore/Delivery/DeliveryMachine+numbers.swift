/// What a sink has published under which numbers, for the disk.
extension DeliveryMachine {
    mutating func number(
        _ sink: SinkIndex, _ deliveries: ArraySlice<Delivery>, from sequence: UInt64
    ) {
        guard self.disk != nil else { return }
        // What lies between two of them was perhaps not delivered, so each place stands for itself.
        let cursor = self.sinks[sink].cursor
        let hasHoles = cursor.keys.isUsed || cursor.hasDropped || !cursor.ahead.isEmpty
        var run: NumberedRun?
        for (delivery, number) in zip(deliveries, sequence...) {
            if delivery.letter != nil || delivery.event.kind == .deadLetter {
                // The events of a run are found by their places, and a letter has the place of another event.
                self.end(&run, of: sink)
                let place = self.disk?.numbered[sink] ?? .start
                self.disk?.numberedLetters.append(
                    NumberedLetter(
                        sink: self.sinks[sink].name, sequence: number, place: place, time: .now(), event: delivery.event)
                )
                continue
            }
            if let last = run?.last, delivery.position < last || (hasHoles && delivery.position > last) {
                self.end(&run, of: sink)
            }
            if run == nil {
                run = NumberedRun(
                    sink: self.sinks[sink].name, first: delivery.position, last: delivery.position, count: 0, sequence: number
                )
            }
            run?.last = delivery.position
            run?.count += 1
        }
        self.end(&run, of: sink)
    }

    private mutating func end(_ run: inout NumberedRun?, of sink: SinkIndex) {
        guard let ended = run else { return }
        let last = max(self.disk?.numbered[sink] ?? .start, ended.last)
        self.disk?.numbers.append(ended)
        self.disk?.numbered[sink] = last
        run = nil
    }
}
