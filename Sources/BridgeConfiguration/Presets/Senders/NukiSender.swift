extension Senders {
    static let nuki = Preset(
        "nuki", .source,
        #"""
        # Nuki: states, actions, doors and batteries of smart locks over MQTT.
        # Formats: https://developer.nuki.io/t/mqtt-api-specification-v1-4/19223 (topics, lock states, lock actions, triggers)
        type: mqtt
        subscribe:
          - { topic: nuki/#, retained: first_time }
        normalise:
          cases:
            - match: { subject: +/+/connected }
              set:
                title: { from: .message, map: { "true": "Nuki {{ $segments[1] }} is online", "false": "Nuki {{ $segments[1] }} is offline" } }
                message: { from: .message, map: { "true": online, "false": offline } }
                priority: { from: .message, map: { "false": 4 }, default: 2 }
                tags: [nuki, connected]
            # Commands, and the time of the last update.
            - match: { subject: [+/+/lockAction, +/+/lock, +/+/unlock, +/+/timestamp] }
              drop: true
            - match: { subject: +/+/state }
              set:
                title: "Nuki {{ $segments[1] }}"
                message:
                  from: .message
                  map: { 0: uncalibrated, 1: locked, 2: unlocking, 3: unlocked, 4: locking, 5: unlatched, 6: unlocked (lock 'n' go), 7: unlatching, 253: boot run, 254: motor blocked, 255: undefined }
                  default: "state {{ .message }}"
                priority: { from: .message, map: { 0: 4, 254: 5 }, default: 2 }
                tags: [nuki, state]
            # The action, what triggered it, the authorization and the code of the keypad, with commas.
            - match: { subject: +/+/lockActionEvent }
              set:
                title: "Nuki {{ $segments[1] }} action"
                message:
                  join:
                    - from: .message
                      part: "{},*"
                      map: { 1: unlock, 2: lock, 3: unlatch, 4: lock 'n' go, 5: lock 'n' go with unlatch, 6: full lock, 90: no action }
                      default: "action {{ .message }}"
                    - from: .message
                      part: "*,{},*"
                      map: { 0: system or Bluetooth, 2: button, 3: automatic or fob, 6: auto lock, 171: HomeKit, 172: MQTT }
                  with: " by "
                priority: 3
                tags: [nuki, action]
            - match: { subject: +/+/doorsensorState }
              set:
                title: "Nuki {{ $segments[1] }} door"
                message:
                  from: .message
                  map: { 0: unavailable, 1: deactivated, 2: closed, 3: opened, 4: unknown, 5: calibrating, 16: uncalibrated, 240: tampered, 255: unknown }
                  default: "state {{ .message }}"
                priority: { from: .message, map: { 240: 5 }, default: 2 }
                tags: [nuki, door]
            - match: { subject: [+/+/batteryCritical, +/+/keypadBatteryCritical, +/+/doorsensorBatteryCritical] }
              set:
                title:
                  from: "$segments[2]"
                  map: { batteryCritical: "Nuki {{ $segments[1] }} battery", keypadBatteryCritical: "Nuki {{ $segments[1] }} battery of the keypad", doorsensorBatteryCritical: "Nuki {{ $segments[1] }} battery of the door sensor" }
                message: { from: .message, map: { "true": critical, "false": ok } }
                priority: { from: .message, map: { "true": 4 }, default: 1 }
                tags: [nuki, battery]
            - match: { subject: +/+/commandResponse }
              set:
                title: "Nuki {{ $segments[1] }} command"
                message: { from: .message, map: { 0: success }, default: "error {{ .message }}" }
                priority: { from: .message, map: { 0: 1 }, default: 4 }
                tags: [nuki, command]
            - match: { subject: +/+/# }
              set: { title: "Nuki {{ $segments[1] }} {{ $segments[2] }}", priority: 1, tags: [nuki, "{{ $segments[2] }}"] }
        """#)
}
