import BridgeCore

/// A list that cannot be read because of a key of another type: other lists of the source are not concerned.
struct RedisListError: Error {
    /// The mistake and the remedy, for the source.
    let error: ComponentError

    /// - Parameter message: names the key and the server.
    init(_ message: String) {
        self.error = ComponentError(.rejected, message)
    }
}
