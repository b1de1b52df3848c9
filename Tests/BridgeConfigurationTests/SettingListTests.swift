import BridgeConfiguration
import BridgeCore
import Testing

/// The keys of a kind as the terminal shows them.
struct SettingListTests {
    private static let rows = SettingRow.rows(of: FakeSource.Configuration.settings.declarations)

    @Test func `each key is on one line without a width`() {
        #expect(
            SettingList(width: .max).lines(of: Self.rows) == [
                "  url       Address of the peer (text; required; such as text)",
                "  port      Port of the peer (integer, 1 to 65535; default: 1)",
                "  timeout   Time-out of a request (duration; default: 1s)",
                "  password  Password at the peer (secret; such as '${env:SECRET}')",
                "  topics    Topics to read (list of text; such as [text])",
            ])
    }

    @Test func `lines are wrapped between words at the width, with the meaning in a column`() {
        let lines = SettingList(width: 44).lines(of: Self.rows)
        #expect(
            lines.prefix(4) == [
                "  url       Address of the peer (text;", "            required; such as text)",
                "  port      Port of the peer (integer, 1 to",
                "            65535; default: 1)",
            ])
        #expect(lines.allSatisfy { $0.count <= 44 })
    }

    @Test func `a key that is wider than the column has its meaning on the next line`() {
        let row = SettingRow.rows(
            of: FakeSource.Configuration.settings.declarations, within: "a_long_name_of_a_mapping.another.")[0]
        let lines = SettingList(width: 80).lines(of: [row])
        #expect(
            lines == [
                "  a_long_name_of_a_mapping.another.url",
                "                                    Address of the peer (text; required; such as",
                "                                    text)",
            ])
    }

    @Test func `keys of mappings in lists and under names have a path`() {
        let members = FakeSource.Configuration.settings.declarations.filter { $0.name == "port" }
        let rows = SettingRow.rows(of: [
            SettingDeclaration(name: "a", type: .group(members), presence: .required, summary: "A"),
            SettingDeclaration(name: "b", type: .list(.group(members)), presence: .required, summary: "B"),
            SettingDeclaration(name: "c", type: .mapping(.group(members)), presence: .required, summary: "C"),
            SettingDeclaration(name: "d", type: .either([.text(""), .list(.group(members))]), presence: .required, summary: "D"),
        ])
        #expect(rows.map(\.key) == ["a", "a.port", "b", "b[].port", "c", "c.NAME.port", "d", "d[].port"])
    }
}
