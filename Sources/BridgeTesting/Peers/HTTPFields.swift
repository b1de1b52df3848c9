import NIOHTTP1

/// Header fields of the HTTP peers, so that tests need no HTTP library: `["retry-after": "7"]`.
package struct HTTPFields: Sendable, ExpressibleByDictionaryLiteral {
    /// In order of arrival; names as they arrived.
    package let all: [(name: String, value: String)]

    package init(dictionaryLiteral elements: (String, String)...) {
        self.all = elements
    }

    init(_ headers: HTTPHeaders) {
        self.all = headers.map { ($0.name, $0.value) }
    }

    /// The first value of a name, whatever its case.
    package subscript(_ name: String) -> String? {
        self.all.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var headers: HTTPHeaders { HTTPHeaders(self.all.map { ($0.name, $0.value) }) }
}
