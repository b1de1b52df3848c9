/// A round that came to no reckoning, with what the program said until then.
struct UnfinishedRound: Error, CustomStringConvertible {
    let cause: any Error
    let bridgeLog: String

    var description: String { "\(self.cause)\n\(self.bridgeLog.lastLines(40))" }
}

extension String {
    /// The last lines of its output, up to a count.
    func lastLines(_ count: Int) -> String {
        self.split(separator: "\n").suffix(count).joined(separator: "\n")
    }
}
