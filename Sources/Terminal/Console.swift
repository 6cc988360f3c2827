import Glibc
import Platform

/// Where a command's text goes: results to stdout, all else to stderr. Tests put their own closures in.
public struct Console: Sendable {
  /// Writes text to stdout as it is; false when it could not be written.
  public var output: @Sendable (String) -> Bool
  /// Writes a line to stderr.
  public var error: @Sendable (String) -> Void
  /// Whether stdout is a terminal, which can be drawn on again.
  public var outputIsTerminal: Bool
  /// Whether stderr is a terminal.
  public var errorIsTerminal: Bool
  /// Whether the terminal should have colours.
  public var colour: Bool
  /// The terminal's height in lines, asked again for every frame; nil when it is not known.
  public var height: @Sendable () -> Int?

  /// Makes one.
  public init(
    output: @escaping @Sendable (String) -> Bool, error: @escaping @Sendable (String) -> Void,
    outputIsTerminal: Bool = false, errorIsTerminal: Bool = false, colour: Bool = false,
    height: @escaping @Sendable () -> Int? = { nil }
  ) {
    self.output = output
    self.error = error
    self.outputIsTerminal = outputIsTerminal
    self.errorIsTerminal = errorIsTerminal
    self.colour = colour
    self.height = height
  }

  /// The process's own streams. Colours are left out when `NO_COLOR` is set or `TERM` is `dumb`.
  public static func standard(environment: [String: String]) -> Console {
    let dumb = environment["TERM"] == "dumb"
    return Console(
      output: { StandardStream.output.write(Array($0.utf8)) }, error: { StandardStream.error.writeLine($0) },
      outputIsTerminal: isatty(StandardStream.output.rawValue) == 1 && !dumb,
      errorIsTerminal: isatty(StandardStream.error.rawValue) == 1,
      colour: (environment["NO_COLOR"] ?? "").isEmpty && !dumb, height: Self.terminalHeight)
  }

  /// How lines on stdout are written.
  public var style: Style { Style(colour: outputIsTerminal && colour, bars: outputIsTerminal) }

  /// Writes results to stdout.
  /// - Throws: when stdout is closed or full.
  public func print(_ text: String) throws(CommandFailure) {
    guard output(text + "\n") else {
      throw CommandFailure(what: "stdout", "the result could not be written", remedy: "check where it is sent to")
    }
  }

  private static func terminalHeight() -> Int? {
    var size = winsize()
    guard ioctl(StandardStream.output.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return nil }
    return Int(size.ws_row)
  }
}
