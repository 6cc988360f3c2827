import Connector
import Wire

/// A command's arguments, split and checked by `ArgumentParser`.
public struct ParsedArguments: Sendable, Hashable {
  /// The command's name.
  public let command: String
  /// Values by option name: from the command line, the environment or the default.
  public var values: [String: String] = [:]
  /// Flags that were given.
  public var flags: Set<String> = []
  /// Arguments by place.
  public var operands: [String] = []

  /// Starts with nothing.
  init(command: String) { self.command = command }

  /// The value of an option that has one, or a default.
  /// - Throws: status `usage` when it is missing.
  public func text(_ option: String) throws(CommandFailure) -> String {
    guard let value = values[option] else { throw usage("\(option) is missing") }
    return value
  }

  /// The value of an integer option; nil when it is not given.
  /// - Throws: status `usage` when it is no integer.
  public func integer(_ option: String) throws(CommandFailure) -> Int? {
    guard let value = values[option] else { return nil }
    guard let number = Int(value) else { throw usage("\(option) is no integer: '\(value)'") }
    return number
  }

  /// The value of a duration option, in milliseconds.
  /// - Throws: status `usage` when it is missing or no duration.
  public func milliseconds(_ option: String) throws(CommandFailure) -> Int64 {
    let value = try text(option)
    guard let duration = OptionText.milliseconds(value) else { throw usage("\(option) is no duration: '\(value)'") }
    return duration
  }

  /// The value of an address option.
  /// - Throws: status `usage` when it is missing or no address.
  public func endpoint(_ option: String) throws(CommandFailure) -> Endpoint {
    do {
      return try Endpoint(parse: try text(option))
    } catch {
      throw usage("\(option): \(error)")
    }
  }

  /// The first argument by place.
  /// - Throws: status `usage` when there is none.
  public func operand() throws(CommandFailure) -> String {
    guard let first = operands.first else { throw usage("an argument is missing") }
    return first
  }

  private func usage(_ message: String) -> CommandFailure {
    CommandFailure(.usage, what: command, message, remedy: "see 'tidegate \(command) --help'")
  }
}
