/// An evaluation that ended its worker, for the log and the metrics.
package struct JQFault: Sendable {
    /// The expression's text, cut to 200 characters.
    package let expression: String
    /// A description of the fault, for people.
    package let message: String
    /// For metrics: `time`, `memory` or `crash`.
    package let reason: String
    /// How long the expression is paused from now on; `nil` when it stays in use.
    package let pause: Duration?
}
