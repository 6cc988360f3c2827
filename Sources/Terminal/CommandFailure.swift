import Platform

/// A command's failure, as the operator reads it: `tidegate: what: where — what to do`.
public struct CommandFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// How the process ends.
  public var status: CommandStatus
  /// What was being done: usually the command's name.
  public var what: String
  /// What happened, and to what.
  public var message: String
  /// What the operator can do about it; nil where the message says it.
  public var remedy: String?
  /// Whether the coordinator could not be asked at all, so that it may be worth asking again.
  public var isUnreachable = false

  /// Makes one.
  public init(_ status: CommandStatus = .failure, what: String, _ message: String, remedy: String? = nil) {
    self.status = status
    self.what = what
    self.message = message
    self.remedy = remedy
  }

  /// The line without the name of the program.
  public var description: String {
    var text = what.isEmpty ? message : "\(what): \(message)"
    if let remedy { text += " — \(remedy)" }
    return text
  }

  /// The line for stderr: secrets replaced, control characters made visible, so that a name or an error text from
  /// another system can neither show a password nor drive the terminal.
  public var line: String { "tidegate: " + PlainText.visible(Secrets.redact(description)) }
}
