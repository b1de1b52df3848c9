import NIOHTTP1

/// The header fields of the HTTP peers, so that tests import no HTTP library: `["retry-after": "7"]`.
package struct HTTPFields: Sendable, ExpressibleByDictionaryLiteral {
    /// Names and values in order of arrival; names in their original case.
    package let all: [(name: String, value: String)]

    /// Makes fields from a literal; a name may repeat.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.all = elements
    }

    init(_ headers: HTTPHeaders) {
        self.all = headers.map { ($0.name, $0.value) }
    }

    /// The first value of a name, compared without case (RFC 9110 §5.1).
    package subscript(_ name: String) -> String? {
        self.all.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var headers: HTTPHeaders { HTTPHeaders(self.all.map { ($0.name, $0.value) }) }
}
