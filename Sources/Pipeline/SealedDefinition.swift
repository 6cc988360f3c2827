import Connector

/// A pipeline file's text without the secrets that stood in it literally: what may be stored.
public struct SealedDefinition: Sendable, Hashable {
  /// The text, with `${secret:KEY}` for each secret and without comments. `${env:…}` and `${file:…}` stay.
  public var text: String
  /// The secrets by key, for `ValueResolver.with(secrets:)`.
  public var secrets: [String: String]

  /// Makes one.
  public init(text: String, secrets: [String: String]) {
    self.text = text
    self.secrets = secrets
  }
}

extension PipelineDefinition {
  /// Takes the literal values of secret options out of a pipeline file's text. Parsed with the secrets, the result gives
  /// the same definition as the text; lines keep their numbers.
  ///
  /// Parse first, so that messages have the user's own columns: this checks only what it needs.
  /// - Throws: when the text is no YAML, an option is unknown, or the text uses `${secret:…}` itself.
  public static func seal(
    _ text: String, file: String, registry: ConnectorRegistry
  ) throws(DefinitionError) -> SealedDefinition {
    let text = YAMLComposer.withoutByteOrderMark(text)
    let root = try YAMLComposer.compose(text, file: file)
    let reader = DefinitionReader(
      file: file, registry: registry, resolver: ValueResolver(environment: { _ in nil }, file: { _ in "" }))
    var sealer = DefinitionSealer(text, reader)
    do throws(DefinitionError) {
      return try sealer.sealed(root)
    } catch {
      throw sealer.reader.redacted(error)
    }
  }
}

/// Cuts secrets and comments out of a text.
private struct DefinitionSealer {
  var reader: DefinitionReader
  /// The text in libyaml's units.
  private let scalars: [Unicode.Scalar]
  private var secrets: [String: String] = [:]
  /// What replaces a range, by its lower bound.
  private var edits: [Int: (end: Int, replacement: String)] = [:]
  /// Where scalars stand: a `#` outside of these begins a comment.
  private var values: [Int: Int] = [:]

  init(_ text: String, _ reader: DefinitionReader) {
    self.scalars = Array(text.unicodeScalars)
    self.reader = reader
  }

  mutating func sealed(_ root: YAMLNode) throws(DefinitionError) -> SealedDefinition {
    let top = try reader.topLevel(root)
    try survey(root, "")
    for block in ConnectorBlock.allCases {
      guard let entry = top.first(where: { $0.key == block.rawValue }) else { continue }
      let entries = try reader.mapping(entry.value, entry.key)
      let secretSpecs = block.secretSpecs(entries, reader.registry)
      for option in entries where !block.ownKeys.contains(option.key) {
        guard SecretOptions.spec(option.key, in: secretSpecs) != nil else {
          // Its value might be a secret under a mistyped name.
          let known = secretSpecs.map(\.key) + block.ownKeys
          throw reader.unknown(option, known: known, entry.key, noun: "option")
        }
        if SecretOptions.isSecret(option.key, specs: secretSpecs) {
          try seal(option.value, DefinitionReader.path(entry.key, option.key))
        }
      }
    }
    return SealedDefinition(text: edited(), secrets: secrets)
  }

  /// Notes where every scalar stands, and refuses references that only a sealed text may have.
  private mutating func survey(_ node: YAMLNode, _ path: String) throws(DefinitionError) {
    switch node.content {
    case .scalar(let text, _):
      values[node.start.offset] = node.end.offset
      for case .reference("secret", _) in try reader.fragments(text, node, path) {
        throw reader.fault(
          node, path, "`${secret:…}` belongs to sealed definitions; use `${env:NAME}` or `${file:PATH}`")
      }
    case .sequence(let items):
      for (index, item) in items.enumerated() { try survey(item, "\(path)[\(index)]") }
    case .mapping(let entries):
      for entry in entries {
        values[entry.keyNode.start.offset] = entry.keyNode.end.offset
        try survey(entry.value, DefinitionReader.path(path, entry.key))
      }
    }
  }

  private mutating func seal(_ node: YAMLNode, _ path: String) throws(DefinitionError) {
    guard let text = node.text else {
      throw reader.fault(node, path, "\(node.kind) stands where a single value is wanted")
    }
    guard !node.isNull, edits[node.start.offset] == nil else { return }
    let fragments = try reader.fragments(text, node, path)
    var replacement = ""
    var hasLiteral = false
    for fragment in fragments {
      switch fragment {
      case .reference(let scheme, let key): replacement += "${\(scheme):\(key)}"
      case .literal(let literal) where literal.isEmpty: break
      case .literal(let literal):
        hasLiteral = true
        replacement += "${secret:\(store(literal, path))}"
      }
    }
    guard hasLiteral else { return }
    let range = node.start.offset..<max(node.start.offset, min(node.end.offset, scalars.count))
    // An anchor stands inside the range, and aliases elsewhere need it; lines keep their numbers.
    let anchor = node.anchor.map { "&\($0) " } ?? ""
    let lines = range.count { isLineEnd($0) }
    edits[range.lowerBound] = (
      range.upperBound, anchor + Self.quoted(replacement) + String(repeating: "\n", count: lines)
    )
  }

  /// Whether a line ends with the scalar at the offset, as libyaml counts lines.
  private func isLineEnd(_ offset: Int) -> Bool {
    switch scalars[offset] {
    case "\n", "\u{85}", "\u{2028}", "\u{2029}": true
    case "\r": offset + 1 == scalars.count || scalars[offset + 1] != "\n"
    default: false
    }
  }

  private mutating func store(_ secret: String, _ path: String) -> String {
    let base = String(
      path.unicodeScalars.map { scalar in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": Character(scalar)
        default: "_"
        }
      })
    var key = base
    var number = 1
    while secrets[key] != nil {
      number += 1
      key = "\(base)#\(number)"
    }
    secrets[key] = secret
    return key
  }

  /// A double-quoted scalar. Only paths of files can hold anything that needs an escape.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0xfeff:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private func edited() -> String {
    var result = String.UnicodeScalarView()
    var offset = 0
    var isComment = false
    while offset < scalars.count {
      if let edit = edits[offset], edit.end > offset {
        result.append(contentsOf: edit.replacement.unicodeScalars)
        offset = edit.end
      } else if let end = values[offset], end > offset {
        result.append(contentsOf: scalars[offset..<min(end, scalars.count)])
        offset = end
      } else {
        let scalar = scalars[offset]
        if scalar == "#" { isComment = true }
        if scalar == "\r" || isLineEnd(offset) { isComment = false }
        if !isComment { result.append(scalar) }
        offset += 1
      }
    }
    return String(result)
  }
}
