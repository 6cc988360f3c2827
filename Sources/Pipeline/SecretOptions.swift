import Connector

/// Which options of a `source` or `sink` block are secret.
enum SecretOptions {
  /// Words by which a key that no connector describes in particular betrays that its value is secret.
  private static let words = [
    "password", "passwd", "passphrase", "secret", "token", "apikey", "api-key", "api.key", "private-key",
    "credential", "jaas",
  ]

  /// The specification of a key: the one of that name, else the longest prefix (a key that ends in `.`).
  static func spec(_ key: String, in specs: [OptionSpec]) -> OptionSpec? {
    if let exact = specs.first(where: { $0.key == key && !key.hasSuffix(".") }) { return exact }
    return specs.filter { $0.key.hasSuffix(".") && key.hasPrefix($0.key) && key.count > $0.key.count }
      .max { $0.key.count < $1.key.count }
  }

  /// Whether the key's value is secret: as its specification says; where only a prefix covers the key, or nothing does,
  /// also when the key's name says so.
  static func isSecret(_ key: String, specs: [OptionSpec]) -> Bool {
    guard let spec = spec(key, in: specs) else { return looksSecret(key) }
    return spec.isSecret || (spec.key.hasSuffix(".") && looksSecret(key))
  }

  private static func looksSecret(_ key: String) -> Bool {
    let key = key.lowercased()
    return words.contains { key.contains($0) }
  }
}

/// The two blocks that name a connector.
enum ConnectorBlock: String, CaseIterable {
  case source, sink

  /// The options of a connector type, nil when there is none of that type.
  func options(_ type: String, _ registry: ConnectorRegistry) -> [OptionSpec]? {
    switch self {
    case .source: registry.source(type)?.options
    case .sink: registry.sink(type)?.options
    }
  }

  /// The known types.
  func types(_ registry: ConnectorRegistry) -> [String] {
    self == .source ? registry.sourceTypes : registry.sinkTypes
  }

  /// Keys of the block that are not the connector's.
  var ownKeys: [String] {
    self == .source ? ["type", "name"] : ["type", "name", "include.schema.changes", "exclude.schema.changes"]
  }

  /// The specifications by which secrets are told. They must be the same whether `type` is known by name or hides
  /// behind a reference, so in the latter case those of every connector count.
  func secretSpecs(_ entries: [YAMLEntry], _ registry: ConnectorRegistry) -> [OptionSpec] {
    if let type = entries.first(where: { $0.key == "type" })?.value.text, let options = options(type, registry) {
      return options
    }
    return types(registry).flatMap { options($0, registry) ?? [] }.sorted { $0.isSecret && !$1.isSecret }
  }
}
