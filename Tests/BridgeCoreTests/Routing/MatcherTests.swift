import BridgeCore
import Testing

@Suite struct MatcherTests {
    private static let event = sampleEvent(
        payload: #"""
            {"temp":21.5,"count":7,"state":"ON","ok":true,"none":null,"a":{"0":"zero","x y":"spaced","b":["first",{"c":"deep"}]},
             "a.b":"dotted","text":"42","whole":3.0,"big":18446744073709551615}
            """#, attributes: [("qos", "1"), ("content-type", "application/json"), ("retained", "true")]
    )

    @Test(arguments: [
        (#"{"source": "home"}"#, true), (#"{"source": ["x", "home"]}"#, true), (#"{"source": "Home"}"#, false),
        (##"{"subject": "house/#"}"##, true), (##"{"subject": ["x", "house/+/door"]}"##, true), (#"{"subject": "house"}"#, false),
        (#"{"subject": {"glob": "house*door"}}"#, true), (##"{"source": "home", "subject": "x/#"}"##, false),
        (##"{"source": "x", "subject": "house/#"}"##, false),
    ])
    func `source and subject`(filter: String, taken: Bool) throws {
        #expect(try takes(filter, Self.event) == taken)
    }

    @Test(arguments: [
        (#"4"#, true), (#"3"#, false), (#"[1, 4]"#, true), (#"[1, 2]"#, false), (#"{"eq": 4}"#, true), (#"{"eq": 5}"#, false),
        (#"{"ne": 5}"#, true), (#"{"ne": 4}"#, false), (#"{"gt": 3}"#, true), (#"{"gt": 4}"#, false), (#"{"gte": 4}"#, true),
        (#"{"gte": 5}"#, false), (#"{"lt": 5}"#, true), (#"{"lt": 4}"#, false), (#"{"lte": 4}"#, true), (#"{"lte": 3}"#, false),
        (#"{"between": [4, 5]}"#, true), (#"{"between": [1, 4]}"#, true), (#"{"between": [1, 3]}"#, false),
        (#"{"gt": 3, "lt": 5}"#, true), (#"{"gt": 3, "ne": 4}"#, false),
        (#""high""#, true), (#""HIGH ""#, true), (#""4""#, true), (#""warning""#, true), (#""urgent""#, false),
        (#"["low", 4]"#, true), (#"["low", "max"]"#, false), (#"{"eq": "high"}"#, true), (#"{"ne": "high"}"#, false),
        (#"{"gt": "normal"}"#, true), (#"{"gte": "high"}"#, true), (#"{"gte": "urgent"}"#, false),
        (#"{"lt": "urgent"}"#, true), (#"{"lte": "default"}"#, false), (#"{"between": ["normal", "high"]}"#, true),
        (#"{"between": ["low", 3]}"#, false), (#"{"gt": 3.5}"#, true),
    ])
    func `priority`(operators: String, taken: Bool) throws {
        #expect(try takes(#"{"priority": \#(operators)}"#, Self.event) == taken)
        #expect(try !takes(#"{"priority": \#(operators)}"#, sampleEvent(priority: nil)), "absent never matches")
    }

    @Test(arguments: [
        (#"["door", "x"]"#, true), (#""DOOR""#, true), (#""doo""#, false), (#"{"any": ["x", "Shed"]}"#, true),
        (#"{"any": ["x"]}"#, false), (#"{"all": ["door", "shed"]}"#, true), (#"{"all": ["door", "x"]}"#, false),
        (#"{"none": ["x"]}"#, true), (#"{"none": ["x", "SHED"]}"#, false), (#"{"any": ["door"], "none": ["shed"]}"#, false),
    ])
    func `tags`(operators: String, taken: Bool) throws {
        #expect(try takes(#"{"tags": \#(operators)}"#, Self.event) == taken)
    }

    @Test func `no tags at all`() throws {
        let bare = sampleEvent(tags: [])
        #expect(try takes(#"{"tags": {"none": ["x"]}}"#, bare))
        #expect(try !takes(#"{"tags": ["x"]}"#, bare))
        #expect(try !takes(#"{"tags": {"all": ["x"]}}"#, bare))
    }

    @Test(arguments: [
        (#""door OPEN""#, true), (#""door""#, false), (#"{"equals": "DOOR open"}"#, true),
        (#"{"not_equals": "door open"}"#, false),
        (#"{"not_equals": "x"}"#, true), (#"{"contains": "OR O"}"#, true), (#"{"contains": "xyz"}"#, false),
        (#"{"not_contains": "xyz"}"#, true), (#"{"not_contains": "DOOR"}"#, false), (#"{"starts_with": "DOOR"}"#, true),
        (#"{"starts_with": "open"}"#, false), (#"{"regex": "^door\\s+o.en$"}"#, true), (#"{"regex": "^open"}"#, false),
        (#"{"contains": "door", "not_contains": "shut"}"#, true), (#"{"contains": ""}"#, true),
    ])
    func `title and message`(operators: String, taken: Bool) throws {
        #expect(try takes(#"{"title": \#(operators)}"#, Self.event) == taken)
        #expect(try takes(#"{"message": \#(operators)}"#, sampleEvent(title: nil, message: "Door open")) == taken)
    }

    @Test func `an absent title is the empty text`() throws {
        let untitled = sampleEvent(title: nil)
        #expect(try takes(#"{"title": ""}"#, untitled))
        #expect(try takes(#"{"title": {"not_contains": "x"}}"#, untitled))
        #expect(try !takes(#"{"title": {"contains": "x"}}"#, untitled))
    }

    @Test func `case folds beyond ASCII`() throws {
        let event = sampleEvent(title: "ÄRGER Straße")
        #expect(try takes(#"{"title": {"contains": "ärger"}}"#, event))
        #expect(try takes(#"{"title": {"regex": "^.rger stra.e$"}}"#, event))
        #expect(try takes(#"{"title": {"regex": "[äö]RGER"}}"#, event))
    }

    @Test(arguments: [
        (#""payload.temp": 21.5"#, true), (#""payload.temp": {"gt": 21}"#, true), (#""payload.temp": {"gt": 22}"#, false),
        (#""payload.temp": {"between": [21, 22]}"#, true), (#""payload.count": 7"#, true), (#""payload.count": "7""#, true),
        (#""payload.count": {"eq": 7.0}"#, true), (#""payload.count": {"ne": 8}"#, true), (#""payload.count": {"ne": 7}"#, false),
        (#""payload.count": {"lte": 7, "gte": 7, "lt": 8}"#, true), (#""payload.state": "on""#, true),
        (#""payload.ok": true"#, true),
        (#""payload.ok": false"#, false), (#""payload.ok": "TRUE""#, true), (#""payload.text": {"gt": 41}"#, true),
        (#""payload.state": {"gt": 1}"#, false), (#""payload.state": {"ne": "off"}"#, true),
        (#""payload.state": {"ne": "on"}"#, false),
        (#""payload.a.0": "zero""#, true), (#""payload.a.b.0": "first""#, true), (#""payload.a.b.1.c": "DEEP""#, true),
        (#""payload.a.b[1].c": "deep""#, true), (#""payload.a.b[-1].c": "deep""#, true),
        (#""payload.a[\"x y\"]": "spaced""#, true),
        (#""payload.a.x y": "spaced""#, true), (#""payload[\"a.b\"]": "dotted""#, true),
        (#""payload.whole": {"equals": "3"}"#, true),
        (#""payload.state": {"starts_with": "O", "regex": "^on$", "not_contains": "x", "not_equals": "off"}"#, true),
        (#""payload.big": {"gt": 1e19}"#, true), (#""payload.a.b": {"contains": "first"}"#, true),
    ])
    func `values of the payload`(condition: String, taken: Bool) throws {
        #expect(try takes("{\(condition)}", Self.event) == taken)
    }

    @Test(arguments: [
        (#""payload.state": ["off", "ON"]"#, true), (#""payload.state": ["off", "x"]"#, false),
        (#""payload.count": [6, 7.0]"#, true), (#""payload.count": ["8"]"#, false), (#""payload.missing": ["x"]"#, false),
        (#""payload.state": {"exists": true}"#, true), (#""payload.state": {"exists": false}"#, false),
        (#""payload.missing": {"exists": false}"#, true), (#""payload.none": {"exists": false}"#, true),
        (#""payload.none": {"exists": true}"#, false), (#""payload.a.b": {"exists": true, "contains": "first"}"#, true),
        (#""title": ["x", "DOOR open"]"#, true), (#""title": ["x"]"#, false), (#""attributes.none": {"exists": false}"#, true),
    ])
    func `a value is one of several, or exists`(condition: String, taken: Bool) throws {
        #expect(try takes("{\(condition)}", Self.event) == taken)
    }

    @Test(arguments: [
        #"{"not_equals": "x"}"#, #"{"not_contains": "x"}"#, #"{"ne": 1}"#, #"{"ne": "x"}"#, #"{"contains": ""}"#, #"{"lt": 1e9}"#,
        #"{"regex": ".*"}"#, #""""#,
    ])
    func `an absent value matches no operator`(operators: String) throws {
        for path in ["missing", "none", "temp.x", "a.b.2", "a.b.-1", "state.0"] {
            #expect(try !takes(#"{"payload.\#(path)": \#(operators)}"#, Self.event))
        }
        #expect(try !takes(#"{"payload.temp": \#(operators)}"#, sampleEvent(payload: nil)))
        #expect(try !takes(#"{"attributes.missing": \#(operators)}"#, Self.event))
    }

    @Test(arguments: [
        (#""attributes.qos": 1"#, true), (#""attributes.qos": {"gte": 2}"#, false),
        (#""attributes.Content-Type": {"contains": "JSON"}"#, true),
        (#""attributes.retained": true"#, true), (#""attributes.retained": false"#, false),
    ])
    func `attributes`(condition: String, taken: Bool) throws {
        #expect(try takes("{\(condition)}", Self.event) == taken)
    }

    @Test(arguments: [
        (#"{"any": [{"priority": 1}, {"title": "door open"}]}"#, true), (#"{"any": [{"priority": 1}, {"title": "x"}]}"#, false),
        (#"{"all": [{"priority": 4}, {"title": "door open"}]}"#, true), (#"{"all": [{"priority": 4}, {"title": "x"}]}"#, false),
        (#"{"not": {"priority": 1}}"#, true), (#"{"not": {"priority": 4, "title": "x"}}"#, true),
        (#"{"not": {"priority": 4}}"#, false),
        (##"{"any": [{"subject": "x/#"}, {"source": "home", "tags": "shed"}]}"##, true),
        (##"{"not": {"subject": "house/#"}}"##, false),
        (#"{"priority": 4, "any": [{"not": {"any": [{"tags": "x"}]}}]}"#, true), (#"{"all": [{"source": "x"}]}"#, false),
        (#"{"source": "home", "all": [{"source": "x"}]}"#, false),
    ])
    func `any, all and not`(filter: String, taken: Bool) throws {
        #expect(try takes(filter, Self.event) == taken)
    }

    private static let known = "source, subject, priority, tags, title, message, payload.<path>, attributes.<name>, any, all, not"
    private static let numeric = "eq, ne, gt, gte, lt, lte, between"
    private static let priorities = "1 to 5, or low, normal, high, urgent, or another word listed on the page Templates"
    private static let textual = "equals, not_equals, contains, not_contains, starts_with, regex"

    @Test(arguments: [
        (#"{"topic": "a"}"#, "topic: a filter has no key 'topic'; did you mean 'subject'?"),
        (#"{"not": {"titel": "a"}}"#, "not.titel: a filter has no key 'titel'; did you mean 'title'?"),
        (
            #"{"title": {"start_with": "a"}}"#,
            "title.start_with: there is no operator 'start_with' here; did you mean 'starts_with'?"
        ),
        (#"{"payload": "a"}"#, "payload: needs a name behind it; write payload.NAME: …"),
        (#"{"attributes": "a"}"#, "attributes: needs a name behind it; write attributes.NAME: …"),
        (#"{".payload.x": "a"}"#, ".payload.x: paths in a filter have no sign in front; write payload.x"),
        (#"{"{{ .title }}": "a"}"#, "{{ .title }}: paths in a filter have no sign in front; write title"),
        (#"{"$subject": "a"}"#, "$subject: paths in a filter have no sign in front; write subject"),
        (
            #"{"not": {"$attributes.qos": 1}}"#,
            "not.$attributes.qos: paths in a filter have no sign in front; write attributes.qos"
        ),
        (#"{".x": "a"}"#, ".x: a filter has no key '.x'; there are \(known)"),
        (#"{"attributes.": "a"}"#, "attributes.: a filter has no key 'attributes.'; there are \(known)"),
        (#"{}"#, "a filter needs a key; use one of \(known)"),
        (#""a""#, "a filter is a mapping with keys of \(known); a jq expression is written under 'when'"),
        (#"{"not": {}}"#, "not: a filter needs a key; use one of \(known)"),
        (#"{"any": []}"#, "any: the list of filters is empty"),
        (#"{"any": {}}"#, "any: must be a list of filters, each with a '-' in front"),
        (#"{"source": []}"#, "source: the list is empty; leave the key out to match everything"),
        (##"{"subject": "a/#/b"}"##, "subject: '#' must be the last level of the MQTT filter 'a/#/b'"),
        (#"{"priority": "loud"}"#, "priority: 'loud' is not a priority; write \(priorities)"),
        (#"{"priority": "9"}"#, "priority: '9' is not a priority; write \(priorities)"),
        (#"{"priority": ["high", "x"]}"#, "priority: 'x' is not a priority; write \(priorities)"),
        (#"{"payload.a": {"gt": "high"}}"#, "payload.a.gt: must be a number"),
        (#"{"priority": []}"#, "priority: the list is empty; write at least one number"),
        (#"{"priority": {"above": 3}}"#, "priority.above: there is no operator 'above' here; did you mean 'gt'?"),
        (#"{"priority": {}}"#, "priority: an operator is missing; use one of \(numeric)"),
        (#"{"priority": {"between": [3]}}"#, "priority.between: between takes two numbers, the smaller first, such as [1, 3]"),
        (
            #"{"priority": {"between": ["high", "low"]}}"#,
            "priority.between: between takes two numbers, the smaller first, such as [1, 3]"
        ),
        (#"{"priority": {"between": [3, 1]}}"#, "priority.between: between takes two numbers, the smaller first, such as [1, 3]"),
        (#"{"priority": {"gt": "x"}}"#, "priority.gt: 'x' is not a priority; write \(priorities)"),
        (#"{"tags": {"some": ["a"]}}"#, "tags.some: there is no operator 'some' here; there are any, all, none"),
        (#"{"tags": {"any": []}}"#, "tags.any: the list is empty; write at least one tag"),
        (#"{"tags": [["a"]]}"#, "tags: must be text"),
        (#"{"title": {"like": "a"}}"#, "title.like: there is no operator 'like' here; there are \(textual)"),
        (#"{"title": [["a"]]}"#, "title.Index 0: must be text"),
        (#"{"title": []}"#, "title: the list is empty; write at least one text"),
        (#"{"title": {"contains": ["a"]}}"#, "title.contains: must be text"),
        (#"{"title": {"regex": "("}}"#, "title.regex: '(' is not a regular expression: a '(' is not closed"),
        (
            #"{"payload.a": {"like": "a"}}"#,
            "payload.a.like: there is no operator 'like' here; there are \(textual), \(numeric), exists"
        ),
        (
            #"{"payload.a": [[1]]}"#,
            "payload.a.Index 0: must be text, a number, true or false, or a mapping of operators"
        ),
        (#"{"payload.a": []}"#, "payload.a: the list is empty; write at least one value"),
        (#"{"payload.a": {"exists": "yes"}}"#, "payload.a.exists: must be true or false"),
        (
            #"{"payload..a": 1}"#,
            "payload..a: '.a' is not a path; write keys with dots between them, such as payload.sensors.0.temp"
        ),
        (#"{"any": [{"priority": 1}, {"not": {"x": 1}}]}"#, "any.Index 1.not.x: a filter has no key 'x'; there are \(known)"),
    ])
    func `an invalid filter is refused`(filter: String, message: String) {
        #expect(refusal(of: Matcher.self, filter) == message)
    }

    @Test(arguments: [
        (#"{"priority": {"gt": 9}}"#, "priority"), (#"{"priority": {"gt": 5}}"#, "priority"),
        (#"{"priority": [0, 7]}"#, "priority"),
        (#"{"priority": 6}"#, "priority"), (#"{"priority": {"gte": 3, "lt": 2}}"#, "priority"),
        (#"{"any": [{"title": "a"}, {"not": {"priority": {"lt": 1}}}]}"#, "any.Index 1.not.priority"),
    ])
    func `a condition on the priority that never holds is warned of`(filter: String, path: String) throws {
        let warnings = try decode(Matcher.self, filter).warnings
        #expect(warnings.map(\.description) == ["\(path): never holds, because a priority is 1 to 5; correct it or leave it out"])
    }

    @Test(arguments: [
        #"{"priority": {"gte": 5}}"#, #"{"priority": {"lt": 9}}"#, #"{"priority": [5, 6]}"#, #"{"priority": "high"}"#,
        #"{"payload.priority": {"gt": 9}}"#,
    ])
    func `a condition on the priority that may hold is not warned of`(filter: String) throws {
        #expect(try decode(Matcher.self, filter).warnings.isEmpty)
    }

    @Test func `source and subject of the outermost mapping go to the index`() throws {
        let matcher = try decode(
            Matcher.self, ##"{"source": ["a", "b"], "subject": "x/#", "priority": 1, "any": [{"source": "c"}]}"##)
        #expect(matcher.sources == ["a", "b"])
        #expect(matcher.subjects?.map(\.text) == ["x/#"])
    }
}
