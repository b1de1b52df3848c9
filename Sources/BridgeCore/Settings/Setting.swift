/// One key of a mapping in the configuration file: its only declaration.
///
/// It binds name, type, range and meaning to the property that holds the value; the property's initial value is the
/// default. Reading uses the declaration, so a key cannot be declared without being read, nor read without being
/// declared. Immutable.
package struct Setting<Root>: Sendable {
    /// The declaration, which is independent of a file.
    package private(set) var declaration: SettingDeclaration
    /// Reads the value into its property.
    let store: @Sendable (any Decoder, inout Root) throws -> Void
    /// Keys that decide whether this one may be there, each with the reason for a refusal.
    private(set) var conditions: [Condition] = []
    /// Whether a key without a value is refused; otherwise it counts as missing.
    private(set) var refusesNothing = false
    /// Whether a key without a value, such as `null`, is read like any other; otherwise it counts as missing.
    private(set) var readsNothing = false

    /// A condition on the other keys for this one.
    struct Condition: Sendable {
        let names: [String]
        /// Whether one of them must be there, or none.
        let isWanted: Bool
        let refusal: String
    }

    /// Declares a key whose default is the initial value of its property.
    package init<Value>(
        _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ codec: SettingCodec<Value>, _ summary: String
    ) where Root: SettingGroup {
        self.init(
            SettingDeclaration(
                name: name, type: codec.type, presence: .optional(default: codec.write(Root()[keyPath: path])), summary: summary)
        ) { decoder, root in root[keyPath: path] = try codec.read(decoder) }
        self.declaration.acceptsNothing = true
        self.declaration.hasLiteralDefault = true
    }

    /// Declares a key whose property is `nil` without it.
    ///
    /// - Parameter standard: the default, for readers of the declaration; `nil` for none.
    package init<Value>(
        _ name: String, _ path: any WritableKeyPath<Root, Value?> & Sendable, _ codec: SettingCodec<Value>,
        default standard: String? = nil, _ summary: String
    ) {
        self.init(
            SettingDeclaration(name: name, type: codec.type, presence: .optional(default: standard), summary: summary)
        ) { decoder, root in root[keyPath: path] = try codec.read(decoder) }
        self.declaration.acceptsNothing = true
    }

    /// Declares a key that must be there; the initial value of its property is never used.
    package init<Value>(
        required name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ codec: SettingCodec<Value>,
        _ summary: String
    ) {
        self.init(SettingDeclaration(name: name, type: codec.type, presence: .required, summary: summary)) { decoder, root in
            root[keyPath: path] = try codec.read(decoder)
        }
    }

    private init(_ declaration: SettingDeclaration, _ store: @escaping @Sendable (any Decoder, inout Root) throws -> Void) {
        self.declaration = declaration
        self.store = store
    }

    /// Refuses the key together with any of others.
    package func excluding(_ names: String..., else refusal: String) -> Self {
        var setting = self
        setting.declaration.excluded += names
        setting.conditions.append(Condition(names: names, isWanted: false, refusal: refusal))
        return setting
    }

    /// Refuses the key without another.
    package func needing(_ name: String, else refusal: String) -> Self {
        var setting = self
        setting.declaration.needed.append(name)
        setting.conditions.append(Condition(names: [name], isWanted: true, refusal: refusal))
        return setting
    }

    /// Lets a route override the key in `with:`.
    package func perRoute() -> Self {
        var setting = self
        setting.declaration.isPerRoute = true
        return setting
    }

    /// Refuses the key without a value: its author expects protection, which an ignored key would not give.
    package func protecting() -> Self {
        var setting = self
        setting.refusesNothing = true
        setting.declaration.acceptsNothing = false
        return setting
    }

    /// Has `null` read by the codec, where it means something.
    package func readingNothing() -> Self {
        var setting = self
        setting.readsNothing = true
        setting.declaration.acceptsNothing = true
        return setting
    }

    /// Shows readers of the declaration a value, as the file writes it, in place of one derived from the type.
    package func example(_ text: String) -> Self {
        var setting = self
        setting.declaration.ownExample = text
        return setting
    }

    /// The same key of a mapping whose settings contain these.
    func lifted<Outer>(to path: any WritableKeyPath<Outer, Root> & Sendable) -> Setting<Outer> {
        var setting = Setting<Outer>(self.declaration) { decoder, outer in try self.store(decoder, &outer[keyPath: path]) }
        setting.conditions = self.conditions.map {
            Setting<Outer>.Condition(names: $0.names, isWanted: $0.isWanted, refusal: $0.refusal)
        }
        setting.refusesNothing = self.refusesNothing
        setting.readsNothing = self.readsNothing
        return setting
    }
}
