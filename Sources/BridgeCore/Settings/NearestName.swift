/// Suggests the name that a person may have meant.
package enum NearestName {
    /// `; did you mean 'topic'?`, or the whole list when nothing is near.
    ///
    /// - Parameter list: the names in words; in alphabetical order by default.
    package static func hint(for word: String, among names: [String], listed list: String? = nil) -> String {
        if word.lowercased() == "secret", names.contains("signature"), names.contains("token") {
            return "; write token: …, or signature: { secret: … } for requests that are signed"
        }
        if let name = self.nearest(to: word, among: names) { return "; did you mean '\(name)'?" }
        return names.isEmpty ? "; there are none" : "; there are \(list ?? names.sorted().joined(separator: ", "))"
    }

    /// The name that is nearest, or that other programs call so; `nil` when none is near.
    package static func nearest(to word: String, among names: [String]) -> String? {
        if let other = Self.synonyms[word.lowercased()]?.first(where: names.contains) { return other }
        let near = names.map { ($0, NameDistance.between(word, $0)) }.min { $0.1 < $1.1 }
        if let (name, distance) = near, distance <= max(1, min(word.count, name.count) / 3) { return name }
        // `idle` for `idle_timeout`.
        let longer = names.filter { $0.hasPrefix(word + "_") || word.hasPrefix($0 + "_") }
        return !word.isEmpty && longer.count == 1 ? longer[0] : nil
    }

    /// Names of our keys and kinds in other programs.
    private static let synonyms: [String: [String]] = [
        "username": ["user"], "login": ["user"], "passwd": ["password"], "pass": ["password"], "secret": ["password", "token"],
        "host": ["url"], "hostname": ["url"], "server": ["url"], "broker": ["url"], "address": ["url", "listen"], "uri": ["url"],
        "endpoint": ["url", "stream"], "addr": ["url", "listen"], "bind": ["listen"], "port": ["listen", "url"],
        "topics": ["subscribe", "topic"], "topic": ["subscribe", "subject"], "channel": ["channels", "stream"],
        "pattern": ["patterns"], "filter": ["match"], "condition": ["when"], "if": ["when"], "transform": ["set", "normalise"],
        "normalize": ["normalise"],
        "source": ["from"], "sink": ["to"], "sinks": ["to"], "inputs": ["sources"], "outputs": ["sinks"], "retries": ["retry"],
        "client-id": ["client_id"], "clientid": ["client_id"], "authorization": ["token", "headers"],
        "http": ["webhook"], "https": ["webhook"], "rest": ["webhook"], "eventsource": ["sse"], "server-sent-events": ["sse"],
        "redis-pubsub": ["redis"], "pubsub": ["redis"], "redis_stream": ["redis-stream"], "redis-streams": ["redis-stream"],
        "above": ["gt"], "over": ["gt"], "below": ["lt"], "under": ["lt"], "min": ["gte"], "max": ["lte"], "or": ["any"],
        "and": ["all"],
        "where": ["when"], "transforms": ["set", "normalise"], "max_events": ["events"], "max_bytes": ["bytes"],
        "when_full": ["on_full"],
        "retention": ["retain"], "db": ["url"], "base_topic": ["subscribe"], ">": ["gt"], ">=": ["gte"], "<": ["lt"],
        "<=": ["lte"], "=": ["eq", "equals"], "==": ["eq", "equals"],
        "!=": ["ne", "not_equals"], "=~": ["regex"], "matches": ["regex"], "contains": ["any"], "type": ["kind"],
        "file": ["path"], "filename": ["path"],
        "stdin": ["file"], "stdout": ["file"], "mosquitto": ["mqtt"], "mqtts": ["mqtt"], "mqtt5": ["mqtt"],
    ]
}
