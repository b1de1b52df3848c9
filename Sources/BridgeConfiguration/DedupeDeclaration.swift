import BridgeCore

/// `dedupe:` of a route.
struct DedupeDeclaration: SettingGroup {
    var key = Template()
    var window = Duration.seconds(600)

    static let settings = Settings<Self> {
        Setting(required: "key", \.key, .flowKey, "Key by which events are compared").example("'{{ $subject }}'")
        Setting(
            "window", \.window, .duration(in: .seconds(1) ... .seconds(31 * 86_400)), "Time within which a duplicate is dropped")
    }

    var dedupe: Route.Dedupe { Route.Dedupe(key: self.key, window: self.window) }
}
