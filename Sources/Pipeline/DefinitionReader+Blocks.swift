import Connector

extension DefinitionReader {
  /// A `source` or `sink` block as read.
  struct ConnectorPart {
    var type: String
    var name: String?
    var options: Options
    /// nil where the file has no such list.
    var include: [String]?
    var exclude: [String]?
  }

  mutating func connector(
    _ block: ConnectorBlock, _ top: [YAMLEntry], _ root: YAMLNode
  ) throws(DefinitionError) -> ConnectorPart {
    let entry = try self.block(block, top, root)
    let entries = try mapping(entry.value, entry.key)
    let (type, specs) = try connectorType(block, entries, entry)
    var part = ConnectorPart(type: type, options: Options([:], specs: []))
    if let name = entries.first(where: { $0.key == "name" }) {
      part.name = try value(name.value, "\(entry.key).name").text
    }
    if block == .sink {
      part.include = try tags("include.schema.changes", entries)
      part.exclude = try tags("exclude.schema.changes", entries)
    }
    let values = try options(
      entries, specs: specs, secretSpecs: block.secretSpecs(entries, registry), ownKeys: block.ownKeys, entry.key)
    try checkRequired(values, specs: specs, entry)
    part.options = Options(values, specs: specs)
    return part
  }

  private mutating func connectorType(
    _ block: ConnectorBlock, _ entries: [YAMLEntry], _ entry: YAMLEntry
  ) throws(DefinitionError) -> (type: String, specs: [OptionSpec]) {
    let path = "\(entry.key).type"
    guard let node = entries.first(where: { $0.key == "type" })?.value else {
      throw fault(entry.keyNode, path, "the \(entry.key)'s type is missing")
    }
    let type = try value(node, path)
    guard let specs = block.options(type.text, registry) else {
      let known = block.types(registry)
      let suggestion = type.isHidden ? nil : NearestName.of(type.text, among: known)
      throw fault(
        node, path, "\(type.quoted) is no known \(entry.key) type; known are \(known.joined(separator: ", "))",
        suggestion)
    }
    return (type.text, specs)
  }

  private mutating func tags(_ key: String, _ entries: [YAMLEntry]) throws(DefinitionError) -> [String]? {
    guard let node = entries.first(where: { $0.key == key })?.value else { return nil }
    let path = "sink.\(key)"
    var result: [String] = []
    for (index, item) in try sequence(node, path).enumerated() {
      let tag = try value(item, "\(path)[\(index)]")
      guard !SchemaChangeTags.resolve(tag.text).isEmpty else {
        let suggestion = tag.isHidden ? nil : NearestName.of(tag.text, among: SchemaChangeTags.known)
        throw fault(item, tag.path, "\(tag.quoted) is no kind of schema change", suggestion)
      }
      result.append(tag.text)
    }
    return result
  }

  // MARK: Routes

  private static let routeKeys = ["source-table", "sink-table", "replace-symbol", "description"]

  mutating func routes(_ entry: YAMLEntry?, mode: RouteMode) throws(DefinitionError) -> [RouteRule] {
    guard let entry, !entry.value.isNull else { return [] }
    var rules: [RouteRule] = []
    for (index, node) in try sequence(entry.value, entry.key).enumerated() {
      rules.append(try route(node, "\(entry.key)[\(index)]"))
    }
    return rules
  }

  private mutating func route(_ node: YAMLNode, _ path: String) throws(DefinitionError) -> RouteRule {
    let entries = try mapping(node, path)
    try checkKeys(entries, known: Self.routeKeys, path, noun: "key")
    var values: [String: ScalarValue] = [:]
    for entry in entries { values[entry.key] = try value(entry.value, Self.path(path, entry.key)) }
    guard let source = values["source-table"] else {
      throw fault(node, path, "required key \"source-table\" is missing")
    }
    guard let sink = values["sink-table"] else { throw fault(node, path, "required key \"sink-table\" is missing") }
    let symbol = values["replace-symbol"]
    let groupCount = try asPartOfFile(source, hidden: source.isHidden) { () throws(ConnectorError) in
      try TableSelector(source.text, style: .route).groupCount
    }
    let isHidden = sink.isHidden || symbol?.isHidden == true
    _ = try asPartOfFile(sink, hidden: isHidden) { () throws(ConnectorError) in
      try SinkTableTemplate(sink.text, replaceSymbol: symbol?.text, groupCount: groupCount)
    }
    if let symbol, !sink.text.contains(symbol.text) {
      warn(symbol.node, symbol.path, "the replace symbol does not occur in sink-table")
    }
    return RouteRule(
      sourceTable: source.text, sinkTable: sink.text, replaceSymbol: symbol?.text,
      description: values["description"]?.text)
  }

  /// Gives a `ConnectorError`, whose message quotes the value, the value's place in the file.
  private func asPartOfFile<T>(
    _ value: ScalarValue, hidden: Bool, _ body: () throws(ConnectorError) -> T
  ) throws(DefinitionError) -> T {
    do {
      return try body()
    } catch {
      let message = [error.message, error.remedy].compactMap { $0 }.joined(separator: "; ")
      throw fault(value.node, value.path, hidden ? "the pattern that the value resolves to is invalid" : message)
    }
  }
}
