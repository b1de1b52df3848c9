import BridgeCore

extension SettingCodec where Value == Int {
    /// A quality of service, 0 or 1.
    static var qos: Self {
        .value(.integer(0...1)) { "\($0)" }.checked { qos in
            switch qos {
            case 0, 1: nil
            case 2:
                "qos 2 is not supported, because its acknowledgement cannot wait until an event is safe; write 1, which loses nothing and"
                    + " may deliver twice"
            default: "\(qos) is not a quality of service; write 0 or 1"
            }
        }
    }
}

extension SettingCodec where Value == Duration {
    /// A duration in whole seconds, as used by MQTT.
    ///
    /// Neither truncated nor rounded: half a second would become 0, which may have another meaning.
    ///
    /// - Parameter range: for the declaration; not checked.
    static func wholeSeconds(in range: ClosedRange<Duration>) -> Self {
        Self(.duration(range), write: \.setting, read: Self.duration.read).checked { duration in
            duration.components.attoseconds == 0
                ? nil : "MQTT counts in whole seconds; write \(duration.components.seconds + 1)s"
        }
    }
}
