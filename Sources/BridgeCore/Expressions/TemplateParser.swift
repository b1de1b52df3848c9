/// Takes the text of a template apart.
enum TemplateParser {
    static func parts(of text: String, compiler: (any ExpressionCompiler)?) throws -> [Template.Part] {
        fatalError()
    }
}
