/// The presets for sources, each in a file of its own.
enum Senders {
    /// All of them, in the order of the page *Presets*.
    static let all: [Preset] = [
        Self.zigbee2mqtt, Self.tasmota, Self.shelly, Self.shellyGen1, Self.esphome, Self.esphomeSse, Self.homeAssistant,
        Self.homeAssistantStream, Self.haDiscovery, Self.frigate, Self.owntracks, Self.zwaveJsUi, Self.openmqttgateway,
        Self.rtl433, Self.valetudo, Self.nuki, Self.hue, Self.uptimeKuma, Self.alertmanager, Self.grafana, Self.healthchecks,
        Self.github, Self.gitlab, Self.gitea, Self.sentry, Self.stripe, Self.slack, Self.sonarr, Self.radarr, Self.jellyfin,
        Self.plex, Self.proxmox, Self.ntfy, Self.mercure, Self.wikimedia, Self.cloudevents, Self.celery, Self.bullmq,
        Self.sidekiq,
    ]
}
