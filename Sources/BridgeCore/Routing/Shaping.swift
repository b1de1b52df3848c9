/// `set:`, compiled: makes a changed copy of an event.
package struct Shaping: Sendable, Decodable {}
