/// An evaluation that ended its worker, for the log and the metrics.
package struct JQFault: Sendable {
    /// The expression's text, cut to 200 characters.
    package let expression: String
    /// What happened, for people.
    package let message: String
    /// For metrics: `time`, `memory` or `crash`.
    package let reason: String
    /// How long the expression is not evaluated from now on; `nil` when it goes on.
    package let pause: Duration?
}
