/// Inputs that once made a target fail, by its name.
enum FuzzRegressions {
    static let inputs: [String: [[UInt8]]] = [:]
}
