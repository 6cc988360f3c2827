/// A place in a YAML text.
struct YAMLMark: Sendable, Hashable {
  /// Counted from 1.
  var line: Int
  /// In code points, counted from 1.
  var column: Int
  /// Code points from the beginning of the text.
  var offset: Int
}

/// A YAML document's tree, with the place of everything in it.
struct YAMLNode: Sendable {
  enum Content: Sendable {
    /// `isPlain`: neither quoted nor a block.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([YAMLEntry])
  }

  var content: Content
  /// Where it begins; with an anchor or a tag, at these.
  var start: YAMLMark
  /// After its last character.
  var end: YAMLMark
  /// The name under which aliases repeat it.
  var anchor: String?
  /// Where the alias stands through which the tree reached this node.
  var alias: YAMLMark?
  /// Number of nodes in this tree, aliases counted as often as they are used.
  var weight = 1

  /// Where errors about it point.
  var place: YAMLMark { alias ?? start }

  /// The text of a scalar, nil for anything else.
  var text: String? {
    guard case .scalar(let text, _) = content else { return nil }
    return text
  }

  /// Whether it is YAML's null: nothing at all, `~` or `null`, unquoted.
  var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// A word for messages.
  var kind: String {
    switch content {
    case .scalar: "a single value"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// A key and its value.
struct YAMLEntry: Sendable {
  var key: String
  var keyNode: YAMLNode
  var value: YAMLNode
}
