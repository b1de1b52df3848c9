import BridgeCore
import Testing

@testable import BridgeConfiguration

struct InclusionTests {
    private let main = """
        include: [conf.d/, more.yaml]
        sources: { one: { type: fake, url: here } }
        sinks: { out: { type: fake } }
        routes: [{ name: first, to: out }]
        """

    @Test func `sources, sinks, connections and routes of all files are joined in order`() throws {
        let plan = try load(
            self.main,
            files: [
                "conf.d/b.yaml": "x-mine: 1\nversion: 1\nsinks: { b: { type: fake } }\nroutes: [{ name: third, to: b }]",
                "conf.d/a.yaml": "sources: { two: { connection: c } }\nroutes: [{ name: second, from: two, to: b }]",
                "more.yaml": "connections: { c: { type: fake, url: there, port: 2 } }\nhttp: { listen: \"127.0.0.1:9000\" }\n",
                "other.yaml": "never read",
            ])
        #expect(plan.sources.map(\.name) == ["one", "two"])
        #expect(plan.sinks.map(\.name) == ["out", "b"])
        #expect(plan.routes.map(\.name) == ["first", "second", "third"])
        #expect(plan.http.port == 9000)
        #expect(plan.includedFiles == ["conf.d/", "conf.d/a.yaml", "conf.d/b.yaml", "more.yaml"])
        #expect((plan.sources[1].settings as? FakeSource.Configuration)?.url == "there")
    }

    @Test func `paths are relative to the file that names them, and a file is read once`() throws {
        let plan = try load(
            "include: parts/a.yaml\nsources: {}\nsinks: { out: { type: fake } }",
            files: [
                "/etc/sb/parts/a.yaml":
                    "include: [b.yaml, ../parts/b.yaml, /x.yaml]\nsources: { one: { type: fake, url: here } }",
                "/etc/sb/parts/b.yaml": "routes: [{ to: out }]", "/etc/sb/parts/../parts/b.yaml": "# empty",
                "/x.yaml": "include: /etc/sb/parts/b.yaml",
            ], file: "/etc/sb/bridges.yaml")
        #expect(plan.routes.count == 1)
        #expect(plan.sources.map(\.name) == ["one"])
    }

    @Test func `a reference in include is resolved`() throws {
        let plan = try load(
            self.main.replacing("[conf.d/, more.yaml]", with: "\"${env:SITE}.yaml\""), environment: ["SITE": "home"],
            files: ["home.yaml": "sinks: { b: { type: fake } }\nroutes: [{ to: b }]"])
        #expect(plan.sinks.count == 2)
    }

    @Test func `mistakes are reported in the file that they are in`() {
        let files = [
            "conf.d/a.yaml": "sources:\n  one: { type: fake, url: x }\n  two: { type: fake, url: x, prot: 3 }\n",
            "conf.d/b.yaml": "sinks: [1]\nroutes: { a: b }\n", "conf.d/c.yaml": "sources: {\n",
            "conf.d/d.yaml": "http: { listen: \"127.0.0.1:1\" }\nversion: 2\n", "more.yaml": "- text\n",
        ]
        #expect(
            mistakes("http: { listen: \"127.0.0.1:2\" }\nversion: 1\n\(self.main)", files: files) == [
                "conf.d/a.yaml:2:3: error: sources: 'one' is in bridges.yaml, line 4 too; rename one",
                "conf.d/a.yaml:3:8: error: sources.two: the port 1 belongs to sources.one already (bridges.yaml, line 4)",
                "conf.d/a.yaml:3:30: error: sources.two: unknown key 'prot'; did you mean 'port'?",
                "conf.d/b.yaml:1:8: error: sinks: must be a mapping of names in every file",
                "conf.d/b.yaml:2:9: error: routes: must be a list in every file",
                "conf.d/c.yaml:2:1: error: the file ends inside a '[' or '{' that is not closed",
                "conf.d/d.yaml:1:1: error: 'http' is in bridges.yaml, line 1 too; keep one",
                "conf.d/d.yaml:2:1: error: 'version' is in bridges.yaml, line 2 too; keep one",
                "more.yaml:1:1: error: must be a mapping with sources, sinks and routes",
            ])
    }

    @Test func `what cannot be included is refused with a reason`() {
        func found(_ include: String, _ files: [String: String] = [:]) -> [String] {
            mistakes(self.main.replacing("[conf.d/, more.yaml]", with: include), files: files)
        }
        #expect(found("none.yaml") == ["bridges.yaml:1:10: error: include: none.yaml cannot be included: no such file"])
        #expect(
            found("[{ a: b }]") == [
                "bridges.yaml:1:11: error: include[0]: must be the path of a file or a folder, or a list of them"
            ])
        #expect(
            found("a.yaml", ["a.yaml": "include: b.yaml", "b.yaml": "include: a.yaml"]) == [
                "b.yaml:1:10: error: include: a.yaml includes itself: bridges.yaml → a.yaml → b.yaml → a.yaml"
            ])
        #expect(
            found("bridges.yaml") == [
                "bridges.yaml:1:10: error: include: bridges.yaml includes itself: bridges.yaml → bridges.yaml"
            ])
        let chain = Dictionary(uniqueKeysWithValues: (0..<20).map { ("\($0).yaml", "include: \($0 + 1).yaml") })
        #expect(found("0.yaml", chain) == ["7.yaml:1:10: error: include: files include each other more than 8 deep"])
        let many = Dictionary(uniqueKeysWithValues: (0...Inclusion.mostFiles).map { ("conf.d/\(10_000 + $0).yaml", "") })
        #expect(found("conf.d/", many) == ["bridges.yaml:1:10: error: include: more than 1000 files are included"])
    }

    @Test func `a folder without files is a warning`() throws {
        let plan = try load(self.main.replacing("[conf.d/, more.yaml]", with: "conf.d/"))
        #expect(
            plan.warnings.map(\.description) == [
                "bridges.yaml:1:10: warning: include: conf.d/ has no file that ends in .yaml or .yml"
            ]
        )
    }
}
