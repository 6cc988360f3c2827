import Connector
import Platform

/// Turns a document's tree into a definition. This file has the document's frame; its extensions have the values, the
/// options and the blocks.
struct DefinitionReader {
  let file: String
  let registry: ConnectorRegistry
  let resolver: ValueResolver
  var warnings: [String] = []
  /// Texts of this document that must not be shown.
  var secrets: Set<String> = []

  init(file: String, registry: ConnectorRegistry, resolver: ValueResolver) {
    self.file = file
    self.registry = registry
    self.resolver = resolver
  }

  static let topLevelKeys = ["source", "sink", "route", "transform", "pipeline"]

  mutating func definition(_ root: YAMLNode) throws(DefinitionError) -> PipelineDefinition {
    let top = try topLevel(root)
    if let transform = top.first(where: { $0.key == "transform" }), !Self.isEmpty(transform.value) {
      throw fault(transform.keyNode, "transform", "transform is not supported yet")
    }
    let pipeline = try pipelineBlock(top.first { $0.key == "pipeline" })
    let source = try connector(.source, top, root)
    let sink = try connector(.sink, top, root)
    try checkRuntimeMode(pipeline, source)
    let routes = try routes(top.first { $0.key == "route" }, mode: pipeline.settings.routeMode)
    let isLenient = pipeline.settings.schemaChangeBehavior == .lenient
    return PipelineDefinition(
      name: pipeline.name, sourceType: source.type, sourceName: source.name, sourceOptions: source.options,
      sinkType: sink.type, sinkName: sink.name, sinkOptions: sink.options, includeSchemaChanges: sink.include ?? [],
      excludeSchemaChanges: sink.exclude ?? (isLenient ? ["drop.table", "truncate.table"] : []), routes: routes,
      settings: pipeline.settings, warnings: warnings, secrets: secrets.sorted())
  }

  /// The document's keys, checked; every literal secret in it is known from here on.
  mutating func topLevel(_ root: YAMLNode) throws(DefinitionError) -> [YAMLEntry] {
    let top = try mapping(root, "")
    collectSecrets(top)
    try checkKeys(top, known: Self.topLevelKeys, "", noun: "key")
    return top
  }

  /// The entries of a connector's block.
  func block(_ block: ConnectorBlock, _ top: [YAMLEntry], _ root: YAMLNode) throws(DefinitionError) -> YAMLEntry {
    guard let entry = top.first(where: { $0.key == block.rawValue }) else {
      throw fault(root, block.rawValue, "the \(block.rawValue) block is missing")
    }
    return entry
  }

  // MARK: Faults

  func fault(_ node: YAMLNode, _ path: String, _ message: String, _ suggestion: String? = nil) -> DefinitionError {
    DefinitionError(
      file: file, line: node.place.line, column: node.place.column, path: path, message: message,
      suggestion: suggestion)
  }

  /// The error without any secret of this document.
  func redacted(_ error: DefinitionError) -> DefinitionError {
    var error = error
    error.path = redacted(error.path)
    error.message = redacted(error.message)
    error.suggestion = error.suggestion.map(redacted)
    return error
  }

  private func redacted(_ text: String) -> String {
    var result = text
    for secret in secrets.sorted(by: { ($0.utf8.count, $0) > ($1.utf8.count, $1) }) where secret.utf8.count >= 3 {
      result = result.replacing(secret, with: "***")
    }
    return result
  }

  /// A warning carries the line but no column: sealing a file moves what follows a secret on its line.
  mutating func warn(_ node: YAMLNode, _ path: String, _ message: String) {
    warnings.append("\(file):\(node.place.line): \(redacted("\(path): \(message)"))")
  }

  // MARK: Shapes

  /// `source` and `hostname` make `source.hostname`.
  static func path(_ parent: String, _ key: String) -> String {
    parent.isEmpty ? display(key) : "\(parent).\(display(key))"
  }

  /// Nothing, or a list or mapping without elements.
  static func isEmpty(_ node: YAMLNode) -> Bool {
    switch node.content {
    case .scalar: node.isNull
    case .sequence(let items): items.isEmpty
    case .mapping(let entries): entries.isEmpty
    }
  }

  func mapping(_ node: YAMLNode, _ path: String) throws(DefinitionError) -> [YAMLEntry] {
    if case .mapping(let entries) = node.content { return entries }
    let found = node.isNull ? "nothing" : node.kind
    throw fault(
      node, path,
      path.isEmpty
        ? "a pipeline file must be a mapping with the keys source and sink, not \(found)"
        : "\(found) stands where a mapping is wanted")
  }

  func sequence(_ node: YAMLNode, _ path: String) throws(DefinitionError) -> [YAMLNode] {
    if case .sequence(let items) = node.content { return items }
    throw fault(node, path, "\(node.isNull ? "nothing" : node.kind) stands where a list is wanted")
  }

  func checkKeys(
    _ entries: [YAMLEntry], known: [String], _ path: String, noun: String
  ) throws(DefinitionError) {
    for entry in entries where !known.contains(entry.key) {
      throw unknown(entry, known: known, path, noun: noun)
    }
  }

  func unknown(_ entry: YAMLEntry, known: some Sequence<String>, _ path: String, noun: String) -> DefinitionError {
    // What follows a blank, a colon or an equals sign was hardly meant as part of a name: `password hunter2: x`.
    let typed = String(entry.key.prefix { !$0.isWhitespace && $0 != "=" && $0 != ":" })
    let name = typed == entry.key ? Self.display(typed) : Self.display(typed) + "…"
    // A key that ends in a dot is a prefix and no name by itself.
    let suggestion = NearestName.of(typed, among: known.filter { !$0.hasSuffix(".") })
    return fault(entry.keyNode, Self.path(path, name), "unknown \(noun) \"\(name)\"", suggestion)
  }

  /// A text of the file, short and printable.
  static func display(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(60) {
      result += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return text.unicodeScalars.count > 60 ? result + "…" : result
  }
}
