/// A scalar's text, split at its references: `${env:NAME}`, `${file:PATH}`, `${secret:KEY}`; `$${` stands for `${`.
enum ValueText {
  enum Fragment: Hashable {
    case literal(String)
    /// `scheme` is `env`, `file` or `secret`.
    case reference(scheme: String, key: String)
  }

  /// What is wrong with a text; never quotes it.
  struct Problem: Error {
    var message: String
  }

  private static let schemes = ["env", "file", "secret"]

  /// The fragments in order; literals are joined, so two never follow each other, and are empty only when the whole text
  /// is. Every sign that matters is ASCII, so the text can be cut between bytes.
  static func fragments(_ text: String) throws(Problem) -> [Fragment] {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return [.literal(text)] }
    var result: [Fragment] = []
    var literal: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.first {
      if rest.starts(with: "$${".utf8) {
        literal += "${".utf8
        rest = rest.dropFirst(3)
      } else if rest.starts(with: "${".utf8) {
        if !literal.isEmpty { result.append(.literal(String(decoding: literal, as: UTF8.self))) }
        literal = []
        result.append(try reference(&rest))
      } else {
        literal.append(byte)
        rest = rest.dropFirst()
      }
    }
    if !literal.isEmpty || result.isEmpty { result.append(.literal(String(decoding: literal, as: UTF8.self))) }
    return result
  }

  private static func reference(_ rest: inout ArraySlice<UInt8>) throws(Problem) -> Fragment {
    guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else {
      throw Problem(message: "a reference that begins with `${` has no closing brace (write `$${` for a literal `${`)")
    }
    let body = String(decoding: rest[..<end].dropFirst(2), as: UTF8.self)
    let scheme = String(body.prefix { $0 != ":" })
    guard schemes.contains(scheme), body.count > scheme.count + 1 else {
      throw Problem(message: "a reference must be `${env:NAME}` or `${file:PATH}` (write `$${` for a literal `${`)")
    }
    rest = rest[end...].dropFirst()
    return .reference(scheme: scheme, key: String(body.dropFirst(scheme.count + 1)))
  }
}
