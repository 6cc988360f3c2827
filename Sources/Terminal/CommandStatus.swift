/// How a command ends, as the shell sees it.
public enum CommandStatus: Int32, Sendable, Hashable {
  /// The work is done.
  case success = 0
  /// The work failed.
  case failure = 1
  /// The command line is wrong.
  case usage = 2

  /// The status of a coordinator's answer; a status that this version does not know is a failure.
  public init(reply status: Int) {
    self = Int32(exactly: status).flatMap(CommandStatus.init(rawValue:)) ?? .failure
  }
}
