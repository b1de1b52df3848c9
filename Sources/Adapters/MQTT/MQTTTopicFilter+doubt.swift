extension MQTTTopicFilter {
    /// Why this valid filter may match nothing: one sentence with the remedy; `nil` if nothing looks wrong.
    var doubt: String? {
        if self.levels.contains(where: { $0.contains("*") }) {
            let isLast = self.levels.last == "*"
            return
                "'\(self.text)': '*' is not an MQTT wildcard; write \(isLast ? "'#' for everything below" : "'+' for one level"), or"
                + " \(isLast ? "'+' for one level" : "'#' at the end for everything below")"
        }
        if self.levels.count > 1, self.levels[0].isEmpty {
            return
                "'\(self.text)' begins with '/', which makes an empty first level; leave it out unless the topics begin with it too"
        }
        if self.levels.dropFirst().contains("") {
            return "'\(self.text)' has an empty level; write one '/' between levels, and none at the end"
        }
        if self.levels.contains(where: { $0.first?.isWhitespace == true || $0.last?.isWhitespace == true }) {
            return "'\(self.text)' has a space at the beginning or end of a level, which belongs to the topic; remove it"
        }
        return nil
    }
}
