/// Ids of events.
package enum EventID {
    package static func generate() -> String { fatalError() }
}
