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

  /// The text with every secret replaced by `***`. Compared byte by byte: what follows a secret may make another
  /// character of its last letter, and it is the secret still.
  public static func redact(_ text: String) -> String {
    let secrets = known.withLock { $0 }
    guard !secrets.isEmpty else { return text }
    var bytes = Array(text.utf8)
    var isChanged = false
    for secret in secrets where replace(Array(secret.utf8), in: &bytes) { isChanged = true }
    return isChanged ? String(decoding: bytes, as: UTF8.self) : text
  }

  private static func replace(_ secret: [UInt8], in bytes: inout [UInt8]) -> Bool {
    guard let start = position(of: secret, in: bytes, from: 0) else { return false }
    var result: [UInt8] = []
    var next: Int? = start
    var copied = 0
    while let place = next {
      result += bytes[copied..<place]
      result += "***".utf8
      copied = place + secret.count
      next = position(of: secret, in: bytes, from: copied)
    }
    bytes = result + bytes[copied...]
    return true
  }

  private static func position(of secret: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    var place = start
    while place + secret.count <= bytes.count {
      if bytes[place] == secret[0], bytes[place..<place + secret.count].elementsEqual(secret) { return place }
      place += 1
    }
    return nil
  }
}
