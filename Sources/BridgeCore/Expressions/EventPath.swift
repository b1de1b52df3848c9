/// A plain path in a template or matcher, resolved without the expression language.
package struct EventPath: Sendable, Hashable {}
