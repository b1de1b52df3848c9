/// A component whose part in something shared is handed over at a reload, such as the path of a stream.
///
/// A reload makes the new components while the old ones run. Only once all of them could be made do the old ones end and
/// the new ones take their place. Called on no event loop.
package protocol StagedComponent: Component {
    /// Takes its part in what components share; called once, before the first `run`, if ``ComponentContext/isStaged``.
    ///
    /// - Parameter predecessor: the component of the same name and direction that has ended, possibly of another kind;
    ///   `nil` for a new one.
    func activate(succeeding predecessor: (any Component)?)

    /// Leaves what components share; called once, after the last `run` of a component that is removed.
    func retire()
}

extension StagedComponent {
    /// Does nothing.
    package func activate(succeeding predecessor: (any Component)?) {}
}
