/// Texts that must never be shown: values of password options and whatever `${env:…}` or `${file:…}` resolved to.
///
/// One set for the whole process; every log line and every error that leaves it goes through `redact`.
public enum Secrets {
  private static let known = Monitor<[String]>([])

  /// Remembers a text that must not be shown. Texts of under three bytes are left alone: they would hide everything.
  public static func register(_ text: String) {
    guard text.utf8.count >= 3 else { return }
    known.withLock { known in
      if !known.contains(text) {
        known.append(text)
        known.sort { $0.utf8.count > $1.utf8.count }
      }
    }
  }

  /// The text with every secret replaced by `***`.
  public static func redact(_ text: String) -> String {
    let secrets = known.withLock { $0 }
    var result = text
    for secret in secrets where result.contains(secret) {
      result = replace(secret, in: result)
    }
    return result
  }

  private static func replace(_ secret: String, in text: String) -> String {
    var result = ""
    var rest = text[...]
    while let range = rest.firstRange(of: secret) {
      result += rest[..<range.lowerBound]
      result += "***"
      rest = rest[range.upperBound...]
    }
    return result + rest
  }
}
