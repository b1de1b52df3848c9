extension Senders {
    static let homeAssistantStream = Preset(
        "home-assistant-stream", .source,
        #"""
        # Home Assistant event stream: changes of state and calls of services over SSE.
        # Formats: https://developers.home-assistant.io/docs/api/rest/ and .../docs/core/event-bus events
        # `url` is http://HOST:8123/api/stream; `token` is a long-lived access token. A ping comes every 50 seconds.
        type: sse
        idle_timeout: 2m
        normalise:
          cases:
            - match: { payload.event_type: state_changed, payload.data.old_state.state: { exists: true } }
              set:
                title: { from: .payload.data.new_state.attributes.friendly_name, default: "{{ .payload.data.entity_id }}" }
                message: "{{ .payload.data.old_state.state }} → {{ .payload.data.new_state.state }}"
                priority: { from: .payload.data.new_state.state, map: { unavailable: 4, problem: 4, triggered: 5 }, default: 3 }
                tags: [homeassistant, state_changed, { from: .payload.data.entity_id, part: "{}.*" }]
                timestamp: { from: .payload.time_fired }
            - match: { payload.event_type: state_changed }
              set:
                priority: 1
                tags: [homeassistant, state_changed, { from: .payload.data.entity_id, part: "{}.*" }]
                timestamp: { from: .payload.time_fired }
            - match: { payload.event_type: call_service }
              set:
                title: call_service
                message: "{{ .payload.data.domain }}.{{ .payload.data.service }}"
                priority: 1
                tags: [homeassistant, call_service]
                timestamp: { from: .payload.time_fired }
            - set:
                title: "{{ .payload.event_type }}"
                message: { fields: .payload.data }
                priority: 2
                tags: [homeassistant, "{{ .payload.event_type }}"]
                timestamp: { from: .payload.time_fired }
        """#)
}
