import JSON

/// The meaning of a JSON member by its name, as senders use it.
///
/// Names count without regard to case, `_`, `-` and `@`: `created_at`, `createdAt` and `CreatedAt` are one name.
enum FieldRole: UInt8 {
    /// Names the thing that the message is about, or the message itself.
    case title
    /// Says what happened, in words.
    case message
    /// A severity, as a word or a number of syslog or a logger.
    case level
    /// A state, of which some words are a severity too.
    case state
    /// When it happened.
    case time
    /// What was done to the thing, such as `opened`.
    case action
    /// The kind of the message, such as `state_changed`.
    case kind
    /// A list of labels.
    case tags
    /// A dangerous condition when it is true, such as smoke.
    case hazard

    /// A role and the rank of the name within it: 0 is the best.
    struct Match {
        let role: FieldRole
        let rank: Int
    }

    /// The names of each role, the best first; several in one text are equally good.
    private static let names: [(role: FieldRole, names: [String])] = [
        (
            .title,
            [
                "title", "subject", "name", "headline", "friendlyname", "displayname",
                "alertname alertrule policyname rulename problemtitle",
                "fullname",
                "devicename monitorfriendlyname monitorname alarmname",
                "checkname searchname jobname taskname servicename sitename workspacename documenttitle doctitle topictitle",
                "syslogidentifier hostname host", "entityid",
            ]
        ),
        (
            .message,
            [
                "message", "body", "msg", "text", "content", "description", "summary", "shortmessage shortdescription",
                "error errormessage errormsg",
                "reason newstatereason cause", "detail details alertdetails", "output hostoutput serviceoutput", "comment note",
                "desc",
                "releasesummary",
                "displaytitle",
            ]
        ),
        (
            .level,
            [
                "severity eventseverity alertseverity triggerseverity problemseverity", "level",
                "loglevel levelname severitytext", "urgency",
                "importance impact", "color", "priority",
            ]
        ),
        (
            .state,
            [
                "status", "state", "conclusion", "result outcome", "health", "availability connection connectionstate",
                "alerttypefriendlyname newstatevalue alerttransition hoststate servicestate monitorcondition",
                "currentstate newstate currentstatus newstatus",
            ]
        ),
        (
            .time,
            [
                "timestamp", "time eventtime timefired", "ts tst", "datetime dateutc",
                "occurredat occurat triggeredat firedat fireddatetime statechangedtimestamp", "date",
                "updatedat updated updatedon lastupdated lastchanged",
                "createdat created createdon createddate createtime creationtime alertdatetime",
                "startsat starttime startedat start happenedat statechangetime realtimetimestamp",
                "publishedat published pushedat submittedat sentat sent",
            ]
        ),
        (.action, ["action"]),
        (
            .kind,
            ["event eventtype", "eventname eventkey", "objectkind", "type", "method", "alerttype incidenttype notificationtype"]
        ),
        (.tags, ["tags", "labels"]),
        (
            .hazard,
            [
                "smoke smokealarm smokedetected gas gasalarm carbonmonoxide co waterleak leak flood fire sos alarm tamper tampered intrusion panic overheat",
                "batterylow lowbattery batterycritical errors",
            ]
        ),
    ]

    /// From this rank on, a title is the name of a part of the sender: a check, a host or an entity.
    static let weakTitle = 9

    /// The rank of `error` and of `summary` among the names of messages.
    static let error = 8, summary = 6

    /// Whether a name ends with `state`, `status` or `result`, and is not about what was before.
    ///
    /// - Parameter name: UTF-8.
    static func isPartialState(_ name: Span<UInt8>) -> Bool {
        guard (6...40).contains(name.count) else { return false }
        guard self.ends(name, "state") || self.ends(name, "status") || self.ends(name, "result") else { return false }
        return !["old", "prev", "last", "from", "former"].contains(where: name.text.lowercased().hasPrefix)
    }

    /// Whether a name ends with a word in lower case, without regard to its own case.
    static func ends(_ name: Span<UInt8>, _ word: StaticString) -> Bool {
        let offset = name.count - word.utf8CodeUnitCount
        guard offset >= 0 else { return false }
        for index in 0..<word.utf8CodeUnitCount where name[offset + index] | 0x20 != word.utf8Start[index] { return false }
        return true
    }

    /// The longest name that has a role, in bytes.
    private static let longest = 24

    /// Open addressing, by the low bits of the hash of a folded name; 0 marks a free slot.
    private static let table: [(hash: UInt64, match: Match)] = {
        var table = [(hash: UInt64, match: Match)](repeating: (0, Match(role: .title, rank: 0)), count: 512)
        for (role, names) in FieldRole.names {
            for (rank, equals) in names.enumerated() {
                for name in equals.split(separator: " ") {
                    let hash = FieldRole.folded(Array(name.utf8).span)
                    var slot = Int(hash & 511)
                    while table[slot].hash != 0 { slot = (slot + 1) & 511 }
                    table[slot] = (hash, Match(role: role, rank: rank))
                }
            }
        }
        return table
    }()

    /// The role of a member's name; `nil` for other names.
    ///
    /// - Parameter name: UTF-8.
    static func match(_ name: Span<UInt8>) -> Match? {
        guard name.count <= self.longest + 6 else { return nil }
        let hash = self.folded(name)
        let table = self.table
        var slot = Int(hash & 511)
        while table[slot].hash != 0 {
            if table[slot].hash == hash { return table[slot].match }
            slot = (slot + 1) & 511
        }
        return nil
    }

    /// FNV-1a of the name in lower case and without separators; never 0.
    static func folded(_ name: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in name.indices {
            var byte = name[index]
            if byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "@") { continue }
            if byte >= 0x41, byte <= 0x5A { byte |= 0x20 }
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return hash == 0 ? 1 : hash
    }

    /// Words behind the name of a hazard that say nothing more.
    private static let hazardTails: Set<UInt64> = Set(
        ["sensor", "detector", "detected", "state", "status", "alert"].map { FieldRole.folded(Array($0.utf8).span) })
    /// Hazards that are no more than a part of many other names.
    private static let weakHazards: Set<UInt64> = Set(["alarm", "co", "errors"].map { FieldRole.folded(Array($0.utf8).span) })

    /// The priority of the dangerous condition that a name names, or ends with: `smoke`, `kitchen_smoke`, `smoke_detector`.
    ///
    /// - Parameter name: UTF-8.
    /// - Returns: `nil` for none.
    static func hazard(_ name: Span<UInt8>) -> Int? {
        guard name.count <= 64 else { return nil }
        var end = name.count
        if let match = self.match(name), match.role == .hazard { return match.rank == 0 ? 5 : 4 }
        var start = end
        while start > 0 {
            start -= 1
            guard start == 0 || self.separates(name[start - 1]) else { continue }
            let word = name.extracting(start..<end)
            if let match = self.match(word), match.role == .hazard, !self.weakHazards.contains(self.folded(word)) {
                return match.rank == 0 ? 5 : 4
            }
            // Only in front of the last word; else a name would have to end with the hazard.
            if end == name.count, start > 0, self.hazardTails.contains(self.folded(word)) { end = start - 1 }
        }
        return nil
    }

    private static func separates(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: " ")
    }
}
