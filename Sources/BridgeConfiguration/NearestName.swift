/// What a person may have meant.
enum NearestName {
    /// `; did you mean 'topic'?`, or the whole list when nothing is near.
    static func hint(for word: String, among names: [String]) -> String {
        if let other = Self.synonyms[word.lowercased()]?.first(where: names.contains) { return "; did you mean '\(other)'?" }
        let near = names.map { ($0, self.distance(word, $0)) }.min { $0.1 < $1.1 }
        if let (name, distance) = near, distance <= max(1, min(word.count, name.count) / 3) { return "; did you mean '\(name)'?" }
        // `idle` for `idle_timeout`.
        let longer = names.filter { $0.hasPrefix(word + "_") || word.hasPrefix($0 + "_") }
        if !word.isEmpty, longer.count == 1 { return "; did you mean '\(longer[0])'?" }
        return names.isEmpty ? "; there are none" : "; there are \(names.sorted().joined(separator: ", "))"
    }

    /// What other programs call our keys and kinds.
    private static let synonyms: [String: [String]] = [
        "username": ["user"], "login": ["user"], "passwd": ["password"], "pass": ["password"], "secret": ["password", "token"],
        "host": ["url"], "hostname": ["url"], "server": ["url"], "broker": ["url"], "address": ["url", "listen"], "uri": ["url"],
        "endpoint": ["url", "stream"], "addr": ["url", "listen"], "bind": ["listen"], "port": ["listen", "url"],
        "topics": ["subscribe", "topic"], "topic": ["subscribe"], "channel": ["channels", "stream"], "pattern": ["patterns"],
        "filter": ["match"], "condition": ["when"], "if": ["when"], "transform": ["set", "normalise"], "normalize": ["normalise"],
        "source": ["from"], "sink": ["to"], "sinks": ["to"], "inputs": ["sources"], "outputs": ["sinks"], "retries": ["retry"],
        "client-id": ["client_id"], "clientid": ["client_id"], "authorization": ["token", "headers"],
        "http": ["webhook"], "https": ["webhook"], "rest": ["webhook"], "eventsource": ["sse"], "server-sent-events": ["sse"],
        "redis-pubsub": ["redis"], "pubsub": ["redis"], "redis_stream": ["redis-stream"], "redis-streams": ["redis-stream"],
        "stdin": ["file"], "stdout": ["file"], "mosquitto": ["mqtt"], "mqtts": ["mqtt"], "mqtt5": ["mqtt"],
    ]

    /// How many characters must be added, removed, replaced or swapped with their neighbour.
    private static func distance(_ first: String, _ second: String) -> Int {
        let first = Array(first.lowercased()), second = Array(second.lowercased())
        var rows = [Array(0...second.count)]
        for (line, character) in first.enumerated() {
            var row = [line + 1]
            for (column, other) in second.enumerated() {
                var best = min(rows[line][column + 1] + 1, row[column] + 1, rows[line][column] + (character == other ? 0 : 1))
                if line > 0, column > 0, character == second[column - 1], first[line - 1] == other {
                    best = min(best, rows[line - 1][column - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[first.count][second.count]
    }
}
