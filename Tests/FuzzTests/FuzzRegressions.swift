/// Inputs that once made a target fail, by its name.
enum FuzzRegressions {
    static let inputs: [String: [[UInt8]]] = [
        // A combining mark after a slash makes one character of both, but not one byte.
        "patterns": [[0x2F, 0xD9, 0x9E, 0, 0x2F, 0xD9, 0x9E], Array("a/#\u{301}".utf8)],
        // So does a line feed after a carriage return.
        "templates": [Array("a\r{{ .title }}\nb".utf8)],
        // After the '@' of a login it hid the end of the password.
        "settings": [Array("\u{33D}\0re[:::1,+\0&".utf8)],
        // Empty lines that come alone are not the beginning of a request line. The last byte cuts the input into pieces of two bytes.
        "http1-connection": [
            Array("\r\nGET / HTTP/1.1\nHost: x\r\n\r\n\u{1}".utf8), Array("\r\nF(O / HTTP/1.1\r\nHost: x\r\n\r\n\u{1}".utf8),
            Array("\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n\r\nGET / HTTP/1.1\nHost: x\r\n\r\n\u{1}".utf8),
        ],
        // Settings with the hash 0 are none, so the mark before it is part of a name.
        "log-rows": [Array("a@00000000000000bb@0000000000000000".utf8)],
        // Two line ends, CR and CR LF.
        "stream-format": [Array("plain\r\r\n\u{2029}text".utf8)],
    ]
}
