import Model

/// Takes a selector's text apart: into alternatives, and those into parts.
struct SelectorSyntax {
  /// Longest selector, in bytes; deepest nesting of parentheses and brackets. The regular expression's parser descends
  /// recursively, so its depth must be bounded before it is called.
  static let longest = 64 << 10
  static let deepest = 32

  private enum Token {
    /// A piece of a regular expression.
    case piece(String)
    /// An unescaped dot.
    case separator
    /// A vertical bar outside parentheses and brackets.
    case bar
  }

  private let text: String
  private let style: TableSelector.Style

  init(_ text: String, style: TableSelector.Style) {
    self.text = text
    self.style = style
  }

  /// The alternatives, each with one to three parts, none of them empty.
  func alternatives() throws(ConnectorError) -> [[String]] {
    guard text.utf8.count <= Self.longest else {
      throw ConnectorError(.configuration, "a table selector is longer than \(Self.longest >> 10) KiB")
    }
    var result: [[String]] = []
    for tokens in try tokenized() {
      for branch in branches(of: tokens) {
        if let parts = try parts(of: branch) { result.append(parts) }
      }
    }
    guard !result.isEmpty else { throw Self.fault(text, "it is empty") }
    return result
  }

  static func fault(_ selector: String, _ problem: String) -> ConnectorError {
    ConnectorError(
      .configuration, "table selector \"\(selector)\" is invalid: \(problem)",
      remedy: "`.` separates the parts of a table's name, `,` separates alternatives; within a regular expression "
        + "write `\\.` and `\\,`")
  }

  /// The tokens of each comma-separated alternative.
  private func tokenized() throws(ConnectorError) -> [[Token]] {
    var result: [[Token]] = [[]]
    var depth = (group: 0, set: 0, brace: 0)
    var scalars = text.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      var token = Token.piece(String(scalar))
      switch scalar {
      case "\\":
        guard let escaped = scalars.next() else { throw Self.fault(text, "it ends with a single backslash") }
        token = .piece(escaped == "." || escaped == "," ? String(escaped) : "\\" + String(escaped))
      case "{" where depth.set == 0: depth.brace += 1
      case "}" where depth.set == 0: depth.brace = max(0, depth.brace - 1)
      case "," where depth.brace > 0, "." where depth.brace > 0:
        throw Self.fault(text, "a brace is cut in two by \(scalar)")
      case ",":
        result.append([])
        depth = (0, 0, 0)
        continue
      case ".": token = .separator
      case "[": depth.set += 1
      case "]": depth.set = max(0, depth.set - 1)
      case "(" where depth.set == 0: depth.group += 1
      case ")" where depth.set == 0: depth.group = max(0, depth.group - 1)
      case "|" where depth == (0, 0, 0): token = .bar
      default: break
      }
      guard depth.group + depth.set <= Self.deepest else { throw Self.fault(text, "it is nested too deeply") }
      result[result.count - 1].append(token)
    }
    guard depth.brace == 0 else { throw Self.fault(text, "a brace is not closed") }
    return result
  }

  /// In a route, `a.b|c.d` means two tables; but in `a.b|c` the bar belongs to the last part alone.
  private func branches(of tokens: [Token]) -> [[Token]] {
    guard style == .route else { return [tokens] }
    var branches: [[Token]] = [[]]
    for token in tokens {
      if case .bar = token { branches.append([]) } else { branches[branches.count - 1].append(token) }
    }
    let areComplete = branches.allSatisfy { branch in
      branch.contains { if case .separator = $0 { true } else { false } }
    }
    return areComplete ? branches : [tokens]
  }

  /// The parts; nil for an alternative that is blank, as after a comma at the end.
  private func parts(of tokens: [Token]) throws(ConnectorError) -> [String]? {
    var parts = [""]
    for token in tokens {
      switch token {
      case .piece(let piece): parts[parts.count - 1] += piece
      case .bar: parts[parts.count - 1] += "|"
      case .separator: parts.append("")
      }
    }
    parts = parts.map(Self.trimmed)
    if parts == [""] { return nil }
    guard !parts.contains("") else { throw Self.fault(text, "a part between dots is empty") }
    guard parts.count <= 3 else { throw Self.fault(text, "a table's name has at most three parts") }
    return parts
  }

  private static func trimmed(_ text: String) -> String {
    var rest = text[...]
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}

/// One alternative, compiled.
struct SelectorAlternative {
  private let parts: [SelectorPart]
  private let matchesWholeName: Bool
  /// The selector's number of this alternative's first group.
  let firstGroup: Int
  let groupCount: Int

  init(
    _ texts: [String], style: TableSelector.Style, firstGroup: Int, selector: String
  ) throws(ConnectorError) {
    var parts: [SelectorPart] = []
    for text in texts {
      parts.append(try SelectorPart(text, ignoringCase: style == .tables, selector: selector))
    }
    self.parts = parts
    self.matchesWholeName = style == .route && parts.count == 1
    self.firstGroup = firstGroup
    self.groupCount = parts.reduce(0) { $0 + $1.groupCount }
  }

  /// The texts of this alternative's groups; nil when it does not match.
  func captures(_ table: TableID) -> [String]? {
    if matchesWholeName { return parts[0].captures(table.description) }
    let names = table.parts
    guard names.count == parts.count else { return nil }
    var result: [String] = []
    for (part, name) in zip(parts, names) {
      guard let captured = part.captures(name) else { return nil }
      result += captured
    }
    return result
  }
}

/// One part of an alternative.
private struct SelectorPart {
  private enum Form {
    /// A name without any special character; most selectors are nothing else.
    case literal(String, ignoringCase: Bool)
    /// `.*`
    case anything
    case pattern(Regex<AnyRegexOutput>)
  }

  private let form: Form
  let groupCount: Int

  init(_ text: String, ignoringCase: Bool, selector: String) throws(ConnectorError) {
    if text.unicodeScalars.allSatisfy(Self.isOrdinary) {
      form = .literal(text, ignoringCase: ignoringCase)
      groupCount = 0
    } else if text == ".*" {
      form = .anything
      groupCount = 0
    } else {
      do {
        form = .pattern(try Self.compile(text, ignoringCase: ignoringCase))
        // The empty alternative makes the pattern match the empty text, and a match lists every group.
        let listing = try Self.compile(text + "|", ignoringCase: ignoringCase)
        groupCount = max(0, (try listing.wholeMatch(in: "")?.output.count ?? 1) - 1)
      } catch {
        throw SelectorSyntax.fault(selector, "\"\(text)\" is no regular expression (\(error))")
      }
    }
  }

  /// Texts of the groups; nil when the whole name does not match.
  func captures(_ name: String) -> [String]? {
    switch form {
    case .literal(let text, let ignoringCase): return Self.isSame(text, name, ignoringCase) ? [] : nil
    case .anything: return []
    case .pattern(let regex):
      // Matching throws only what closures inside the expression throw, and one made from text has none.
      guard let match = try? regex.wholeMatch(in: name) else { return nil }
      return match.output.dropFirst().map { $0.substring.map { String($0) } ?? "" }
    }
  }

  /// Java's meaning: code points, and ASCII classes.
  private static func compile(_ text: String, ignoringCase: Bool) throws -> Regex<AnyRegexOutput> {
    try Regex(text).matchingSemantics(.unicodeScalar).ignoresCase(ignoringCase).asciiOnlyDigits()
      .asciiOnlyWordCharacters().asciiOnlyWhitespace().asciiOnlyCharacterClasses()
  }

  private static func isOrdinary(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_", "-", " ", "/", ":", "@", "~", "\u{80}"...: true
    default: false
    }
  }

  private static func isSame(_ left: String, _ right: String, _ ignoringCase: Bool) -> Bool {
    guard ignoringCase else { return left.utf8.elementsEqual(right.utf8) }
    func folded(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
    return left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { folded($0) == folded($1) }
  }
}
