import Connector

extension DefinitionReader {
  /// Checks a block's options against their specifications. What is ignored, or not supported but at its default, is
  /// left out of the result; choices and booleans come in the specification's spelling.
  mutating func options(
    _ entries: [YAMLEntry], specs: [OptionSpec], secretSpecs: [OptionSpec], ownKeys: [String], _ path: String
  ) throws(DefinitionError) -> [String: String] {
    var values: [String: String] = [:]
    for entry in entries where !ownKeys.contains(entry.key) {
      guard let spec = SecretOptions.spec(entry.key, in: specs) else {
        throw unknown(entry, known: specs.map(\.key) + ownKeys, path, noun: "option")
      }
      let isSecret = SecretOptions.isSecret(entry.key, specs: secretSpecs)
      let optionPath = Self.path(path, entry.key)
      switch spec.support {
      case .supported:
        let value = try value(entry.value, optionPath, secret: isSecret)
        values[entry.key] = try checked(value, spec.type)
      case .ignored(let reason):
        _ = try value(entry.value, optionPath, secret: isSecret)
        warn(entry.keyNode, optionPath, "ignored: \(reason)")
      case .notYet:
        guard entry.value.text != nil, let standard = spec.defaultValue,
          try checked(value(entry.value, optionPath, secret: isSecret), spec.type).lowercased() == standard.lowercased()
        else {
          throw fault(entry.keyNode, optionPath, "option \"\(entry.key)\" is not supported yet")
        }
      }
    }
    return values
  }

  /// Checks that every required option is there.
  func checkRequired(
    _ values: [String: String], specs: [OptionSpec], _ block: YAMLEntry
  ) throws(DefinitionError) {
    for spec in specs where spec.isRequired && values[spec.key] == nil && spec.support == .supported {
      throw fault(block.keyNode, block.key, "required option \"\(spec.key)\" is missing")
    }
  }

  /// The value's text, if it is what the type wants.
  func checked(_ value: ScalarValue, _ type: OptionSpec.ValueType) throws(DefinitionError) -> String {
    func wrong(_ what: String, _ suggestion: String? = nil) -> DefinitionError {
      fault(value.node, value.path, "\(value.quoted) is \(what)", suggestion)
    }
    switch type {
    case .text: return value.text
    case .integer(let range):
      guard let number = Int(value.text) else { throw wrong("not an integer") }
      guard range.contains(number) else { throw wrong("out of range, which is \(Self.describe(range))") }
      return String(number)
    case .boolean:
      let text = value.text.lowercased()
      guard text == "true" || text == "false" else { throw wrong("neither true nor false") }
      return text
    case .duration:
      guard OptionText.milliseconds(value.text) != nil else { throw wrong("no duration, such as 30s or 5 min") }
      return value.text
    case .size:
      guard OptionText.bytes(value.text) != nil else { throw wrong("no size, such as 64mb") }
      return value.text
    case .choice(let names):
      guard let name = names.first(where: { $0.lowercased() == value.text.lowercased() }) else {
        let suggestion = value.isHidden ? nil : NearestName.of(value.text, among: names)
        throw wrong("not one of \(names.joined(separator: ", "))", suggestion)
      }
      return name
    }
  }

  private static func describe(_ range: ClosedRange<Int>) -> String {
    switch (range.lowerBound, range.upperBound) {
    case (Int.min, let upper): "at most \(upper)"
    case (let lower, Int.max): "\(lower) or more"
    case (let lower, let upper): "\(lower) to \(upper)"
    }
  }
}
