import BridgeCore
import JSON
import NIOCore

@testable import MQTTAdapter

/// The parts that tests of Home Assistant are made of.
struct HomeAssistantParts {
    let settings: HomeAssistantSink.Configuration
    let names: HomeAssistantNames
    let catalog: HomeAssistantCatalog

    /// - Parameters:
    ///   - json: the settings besides the address.
    ///   - routes: each leads to the sink `home_assistant`.
    init(
        _ json: String = "", sources: [String] = ["door"], sinks: [String] = ["home_assistant"], routes: [String] = ["alarms"],
        replays: Bool = false
    ) throws {
        self.settings = try MQTTAdapterTests.settings(
            HomeAssistantSink.Configuration.self, #"{"url": "mqtt://broker"\#(json.isEmpty ? "" : ", " + json)}"#)
        try self.settings.validate()
        self.names = HomeAssistantNames(self.settings, bridge: "home")
        let replay: @Sendable () throws -> Int = { 0 }
        let control = BridgeControl(
            version: "1.2.3", sources: sources, sinks: sinks,
            routes: routes.map { BridgeControl.RouteLabel(name: $0, identity: $0, sinks: ["home_assistant"]) },
            replayDeadLetters: replays ? replay : nil)
        self.catalog = HomeAssistantCatalog(self.settings, self.names, control, sink: "home_assistant")
    }

    var announcement: HomeAssistantAnnouncement {
        HomeAssistantAnnouncement(self.settings, self.names, self.catalog, version: "1.2.3")
    }

    var states: HomeAssistantStates {
        HomeAssistantStates(self.names, self.catalog, version: "1.2.3", interval: self.settings.interval)
    }

    var machine: HomeAssistantStateMachine {
        HomeAssistantStateMachine(self.names, self.catalog, self.announcement, self.states)
    }
}

/// A parsed message.
struct ParsedMessage {
    let root: ParsedValue

    init(_ message: HomeAssistantMessage) throws {
        let parser = JSONParser()
        self.root = try withExtendedLifetime(parser) { ParsedValue(try parser.parse(message.payload)) }
    }
}

/// A value of a message, which outlives its parser.
indirect enum ParsedValue {
    case object([(name: String, value: ParsedValue)])
    case array([ParsedValue])
    case string(String)
    case integer(Int64)
    case bool(Bool)
    case null

    init(_ element: JSONElement) {
        switch element.kind {
        case .object:
            var members: [(name: String, value: ParsedValue)] = []
            element.forEachMember { members.append(($0, ParsedValue($1))) }
            self = .object(members)
        case .array:
            var items: [ParsedValue] = []
            element.forEachItem { items.append(ParsedValue($0)) }
            self = .array(items)
        case .string: self = .string(element.string ?? "")
        case .bool: self = .bool(element.bool ?? false)
        case .integer, .unsigned, .double: self = .integer(element.integer ?? 0)
        case .null: self = .null
        }
    }

    subscript(name: String) -> ParsedValue? {
        if case .object(let members) = self { members.first { $0.name == name }?.value } else { nil }
    }

    subscript(index: Int) -> ParsedValue? {
        if case .array(let items) = self { items.indices.contains(index) ? items[index] : nil } else { nil }
    }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    var isNull: Bool { if case .null = self { true } else { false } }

    /// The names of the members, in order.
    var names: [String] { if case .object(let members) = self { members.map(\.name) } else { [] } }

    /// The number of members or items.
    var count: Int { if case .array(let items) = self { items.count } else { self.names.count } }
}

extension HomeAssistantMessage {
    var text: String { String(buffer: self.payload) }
}

extension String {
    /// Calls `body` with the bytes of the text.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        Array(self.utf8).withUnsafeBytes(body)
    }
}
