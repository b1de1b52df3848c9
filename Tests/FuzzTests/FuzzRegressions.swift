/// Inputs that once made a target fail, by its name.
enum FuzzRegressions {
    static let inputs: [String: [[UInt8]]] = [
        // A combining mark behind a slash makes one character of both, but not one byte.
        "topics": [[0x2F, 0xD9, 0x9E, 0, 0x2F, 0xD9, 0x9E], Array("a/#\u{301}".utf8)],
        // So does a line feed behind a carriage return.
        "templates": [Array("a\r{{ .title }}\nb".utf8)],
    ]
}
