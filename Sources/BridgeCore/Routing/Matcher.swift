/// `match:`, the declarative filter, compiled.
package struct Matcher: Sendable, Decodable {}
