import BridgeCore

/// A list that cannot be read because of a key of another type, or one that the user may not use: other lists of the source are not
/// concerned.
struct RedisListError: Error {
    /// The mistake and the remedy, for the source.
    let error: ComponentError

    init(_ error: ComponentError) {
        self.error = error
    }

    /// - Parameter message: names the key and the server.
    init(_ message: String) {
        self.error = ComponentError(.rejected, message)
    }
}
