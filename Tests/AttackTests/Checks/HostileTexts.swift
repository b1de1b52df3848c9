/// Texts that are dangerous if they are not escaped.
enum HostileTexts {
    /// Line ends that JSON need not escape, but that tear lines of readers (`splitlines` of Python, terminals).
    static let lineEnds: [Unicode.Scalar] = ["\u{85}", "\u{2028}", "\u{2029}"]

    static let all = [
        "a\nb", "a\rb", "a\r\nb", "a\n\ndata: {\"message\":\"forged\"}\n\n", "a\r\rid: 1\r\r", "a\r\nInjected: yes\r\n\r\n",
        "a\u{0}b", "a\u{1B}[2Jb", "a\u{1B}]0;x\u{7}",
        "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "a\u{B}b\u{C}c", "a\u{7F}b", "a\u{9B}31mb", "a/b", "../../a", "a/../b", "+", "#",
        "$SYS/a", "a?b#c", "a b", "%0d%0aInjected: yes", "a%2fb",
        "{{ .id }}", "\"}{\"", "\\", "\\n", "'", "a\"b", "<script>", "*1\r\n$4\r\nPING\r\n", "\r\nQUIT\r\n", "a*b?c[d]",
        "\u{202E}abc", "\u{FEFF}", "\u{FFFE}", "\u{10FFFF}",
        "e\u{301}", "\u{E9}", "\u{1F600}", String(repeating: "\u{301}", count: 100), String(repeating: "\n", count: 1000),
        String(repeating: "/", count: 100),
    ]
}
