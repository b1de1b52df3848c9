/// The presets for sinks, each in a file of its own.
enum Receivers {
    /// All of them, in the order of the page *Presets*.
    static let all: [Preset] = [
        Self.ntfy, Self.ntfyHeaders, Self.gotify, Self.apprise, Self.slack, Self.mattermost, Self.discord,
        Self.teams, Self.telegram, Self.matrix, Self.pushover, Self.pagerDuty, Self.homeAssistant, Self.alphorn,
    ]
}
