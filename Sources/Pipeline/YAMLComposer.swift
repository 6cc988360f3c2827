/// Builds the tree of a text that holds exactly one YAML document, within bounds that a hostile text cannot pass.
struct YAMLComposer: ~Copyable {
  /// Longest text, in bytes.
  static let longestText = 1 << 20
  /// Deepest nesting of lists and mappings, aliases followed.
  static let deepestNesting = 64
  /// Most nodes, aliases counted as often as they are used.
  static let mostNodes = 50_000

  private var parser: YAMLParser
  private let file: String
  /// Nodes that aliases may repeat, with the depth of what is in them.
  private var anchors: [String: (node: YAMLNode, height: Int)] = [:]
  private var nodeCount = 0

  /// The document's tree.
  /// - Throws: with the place, when the text is too long, is no YAML, holds no document or several, repeats a key, or
  ///   goes beyond the bounds.
  static func compose(_ text: String, file: String) throws(DefinitionError) -> YAMLNode {
    guard text.utf8.count <= longestText else {
      throw DefinitionError(
        file: file, line: 1, column: 1, path: "", message: "the file is larger than \(longestText >> 20) MiB")
    }
    var text = withoutByteOrderMark(text)
    let result: Result<YAMLNode, DefinitionError> = text.withUTF8 { bytes in
      do throws(DefinitionError) {
        var composer = YAMLComposer(try YAMLParser(bytes, file: file), file: file)
        return .success(try composer.document())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// The text without the mark that some editors put before it.
  static func withoutByteOrderMark(_ text: String) -> String {
    guard text.unicodeScalars.first == "\u{feff}" else { return text }
    return String(text.unicodeScalars.dropFirst())
  }

  private init(_ parser: consuming YAMLParser, file: String) {
    self.parser = parser
    self.file = file
  }

  private func fault(_ message: String, _ mark: YAMLMark) -> DefinitionError {
    DefinitionError(file: file, line: mark.line, column: mark.column, path: "", message: message)
  }

  private mutating func document() throws(DefinitionError) -> YAMLNode {
    _ = try parser.next()
    let start = try parser.next()
    switch start.kind {
    case .documentStart(hasTagDirectives: false): break
    case .documentStart: throw fault("YAML tag directives are not supported", start.start)
    default: throw fault("the file holds no document", start.start)
    }
    let root = try node(try parser.next(), depth: 0).node
    _ = try parser.next()
    let next = try parser.next()
    guard case .streamEnd = next.kind else {
      throw fault("a second document begins here; a pipeline file holds exactly one", next.start)
    }
    return root
  }

  /// A node and the height of the tree below it. Recursion is bounded by `deepestNesting`.
  private mutating func node(_ event: YAMLEvent, depth: Int) throws(DefinitionError) -> (node: YAMLNode, height: Int) {
    nodeCount += 1
    guard nodeCount <= Self.mostNodes else { throw fault("the document has too many values", event.start) }
    switch event.kind {
    case .alias(let name): return try repeated(name, event, depth: depth)
    case .scalar(let text, let isPlain, let properties):
      let node = try scalar(text, isPlain: isPlain, properties, event)
      return remember((node, 0), properties)
    case .sequenceStart(let properties):
      try check(properties, event, depth: depth)
      return remember(try sequence(event, depth: depth, properties), properties)
    case .mappingStart(let properties):
      try check(properties, event, depth: depth)
      return remember(try mapping(event, depth: depth, properties), properties)
    default: throw fault("the document is incomplete", event.start)
    }
  }

  private mutating func remember(
    _ built: (node: YAMLNode, height: Int), _ properties: YAMLEvent.Properties
  ) -> (node: YAMLNode, height: Int) {
    if let anchor = properties.anchor { anchors[anchor] = built }
    return built
  }

  private mutating func repeated(
    _ name: String, _ event: YAMLEvent, depth: Int
  ) throws(DefinitionError) -> (node: YAMLNode, height: Int) {
    // The name is not shown: an unquoted password may begin with an asterisk.
    guard let (anchored, height) = anchors[name] else {
      throw fault("alias of an unknown anchor; a text that begins with `*` must be quoted", event.start)
    }
    nodeCount += anchored.weight - 1
    guard nodeCount <= Self.mostNodes else { throw fault("aliases make the document too large", event.start) }
    guard depth + height <= Self.deepestNesting else { throw fault("aliases nest too deeply", event.start) }
    var node = anchored
    node.alias = event.start
    return (node, height)
  }

  private func check(_ properties: YAMLEvent.Properties, _ event: YAMLEvent, depth: Int) throws(DefinitionError) {
    guard depth < Self.deepestNesting else {
      throw fault("the document is nested more than \(Self.deepestNesting) levels deep", event.start)
    }
    // A tag is not shown either: an unquoted password may begin with an exclamation mark.
    guard properties.tag == nil else { throw fault("YAML tags are not supported", event.start) }
  }

  private func scalar(
    _ text: String, isPlain: Bool, _ properties: YAMLEvent.Properties, _ event: YAMLEvent
  ) throws(DefinitionError) -> YAMLNode {
    guard properties.tag == nil || properties.tag == "tag:yaml.org,2002:str" else {
      throw fault("YAML tags are not supported; a text that begins with `!` must be quoted", event.start)
    }
    guard !text.utf8.contains(0) else { throw fault("the value holds a NUL character", event.start) }
    // A plain scalar cannot begin with an asterisk, so Flink CDC's files write `\*`.
    let content = isPlain && text.hasPrefix("\\*") ? String(text.dropFirst()) : text
    return YAMLNode(
      content: .scalar(content, isPlain: isPlain && properties.tag == nil), start: event.start, end: event.end,
      anchor: properties.anchor)
  }

  private mutating func sequence(
    _ event: YAMLEvent, depth: Int, _ properties: YAMLEvent.Properties
  ) throws(DefinitionError) -> (node: YAMLNode, height: Int) {
    var items: [YAMLNode] = []
    var weight = 1
    var height = 0
    while true {
      let next = try parser.next()
      if case .sequenceEnd = next.kind {
        let node = YAMLNode(
          content: .sequence(items), start: event.start, end: next.end, anchor: properties.anchor, weight: weight)
        return (node, height + 1)
      }
      let item = try node(next, depth: depth + 1)
      weight += item.node.weight
      height = max(height, item.height)
      items.append(item.node)
    }
  }

  private mutating func mapping(
    _ event: YAMLEvent, depth: Int, _ properties: YAMLEvent.Properties
  ) throws(DefinitionError) -> (node: YAMLNode, height: Int) {
    var entries: [YAMLEntry] = []
    var keys: Set<String> = []
    var weight = 1
    var height = 0
    while true {
      let next = try parser.next()
      if case .mappingEnd = next.kind {
        let node = YAMLNode(
          content: .mapping(entries), start: event.start, end: next.end, anchor: properties.anchor, weight: weight)
        return (node, height + 1)
      }
      let key = try node(next, depth: depth + 1).node
      guard let name = key.text, !key.isNull else { throw fault("a key must be a single, non-empty text", next.start) }
      guard keys.insert(name).inserted else {
        throw fault("key \"\(DefinitionReader.display(name))\" occurs twice", next.start)
      }
      let value = try node(try parser.next(), depth: depth + 1)
      weight += 1 + value.node.weight
      height = max(height, value.height)
      entries.append(YAMLEntry(key: name, keyNode: key, value: value.node))
    }
  }
}
