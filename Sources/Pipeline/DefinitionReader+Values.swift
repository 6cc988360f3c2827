import Connector
import Platform

/// A scalar of the file with its references resolved.
struct ScalarValue {
  var text: String
  /// Whether messages must not show it.
  var isHidden: Bool
  var node: YAMLNode
  var path: String

  /// How messages call it. A text that runs over several lines may have swallowed a line that was meant as a key of its
  /// own, such as a password's, so it is not shown either.
  var quoted: String {
    isHidden || node.start.line != node.end.line ? "the value" : "\"\(DefinitionReader.display(text))\""
  }
}

extension DefinitionReader {
  /// Longest value of a scalar, in bytes, references resolved.
  private static let longestValue = 1 << 20

  /// A scalar's value.
  /// - Throws: when the node is no scalar or null, or a reference cannot be resolved.
  mutating func value(_ node: YAMLNode, _ path: String, secret: Bool = false) throws(DefinitionError) -> ScalarValue {
    guard let text = node.text else { throw fault(node, path, "\(node.kind) stands where a single value is wanted") }
    guard !node.isNull else { throw fault(node, path, "the value is missing; write '' for an empty text") }
    var resolved = ""
    var isHidden = secret
    for fragment in try fragments(text, node, path) {
      switch fragment {
      case .literal(let literal):
        if secret { register(literal) }
        resolved += literal
      case .reference(let scheme, let key):
        let target = try resolve(scheme, key, node, path)
        register(target)
        isHidden = true
        resolved += target
      }
      guard resolved.utf8.count <= Self.longestValue else { throw fault(node, path, "the value is too long") }
    }
    if secret { register(resolved) }
    return ScalarValue(text: resolved, isHidden: isHidden, node: node, path: path)
  }

  func fragments(
    _ text: String, _ node: YAMLNode, _ path: String
  ) throws(DefinitionError) -> [ValueText.Fragment] {
    do {
      return try ValueText.fragments(text)
    } catch {
      throw fault(node, path, error.message)
    }
  }

  private func resolve(
    _ scheme: String, _ key: String, _ node: YAMLNode, _ path: String
  ) throws(DefinitionError) -> String {
    let text: String
    switch scheme {
    case "env":
      guard Self.isVariableName(key) else { throw fault(node, path, "`${env:…}` needs the name of a variable") }
      guard let value = resolver.environment(key) else {
        throw fault(node, path, "environment variable \(key) is not set")
      }
      text = value
    case "file":
      do {
        text = try resolver.file(key)
      } catch {
        throw fault(node, path, error.message)
      }
    default:
      guard let value = resolver.secret(key) else {
        throw fault(node, path, "`${secret:…}` belongs to sealed definitions; use `${env:NAME}` or `${file:PATH}`")
      }
      text = value
    }
    guard !text.utf8.contains(0) else {
      throw fault(node, path, "what `${\(scheme):…}` leads to holds a NUL character")
    }
    return text
  }

  private static func isVariableName(_ name: String) -> Bool {
    guard let first = name.utf8.first, first < UInt8(ascii: "0") || first > UInt8(ascii: "9") else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  // MARK: Secrets

  /// Remembers a text that must not be shown.
  mutating func register(_ text: String) {
    guard !text.isEmpty else { return }
    secrets.insert(text)
    Secrets.register(text)
  }

  /// Registers every literal secret before anything is checked, so that no message about another place shows one.
  mutating func collectSecrets(_ top: [YAMLEntry]) {
    for block in ConnectorBlock.allCases {
      guard let entry = top.first(where: { $0.key == block.rawValue }), case .mapping(let entries) = entry.value.content
      else { continue }
      let specs = block.secretSpecs(entries, registry)
      for option in entries where SecretOptions.isSecret(option.key, specs: specs) && !option.value.isNull {
        guard let text = option.value.text, let fragments = try? ValueText.fragments(text) else {
          // A malformed reference is reported where the value is read; until then the whole text is the secret.
          if let text = option.value.text { register(text) }
          continue
        }
        for case .literal(let literal) in fragments { register(literal) }
      }
    }
  }
}
