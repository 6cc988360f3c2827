/// Lines that are renewed in place on a terminal, and printed one block after the other elsewhere.
public struct LiveView {
  private let console: Console
  private var shown = 0
  private var isFirst = true

  /// Nothing is drawn yet.
  public init(_ console: Console) { self.console = console }

  /// How many lines fit, the last line of the terminal left to the cursor; nil: any number.
  public var capacity: Int? {
    guard console.outputIsTerminal, let height = console.height() else { return nil }
    return max(1, height - 1)
  }

  /// Shows the lines in place of those shown before. Lines that are wider than the terminal are cut by it, not wrapped,
  /// so that the number of lines to go back stays known.
  /// - Throws: when stdout is closed or full.
  public mutating func show(_ lines: [String]) throws(CommandFailure) {
    guard console.outputIsTerminal else {
      try console.print((isFirst ? "" : "\n") + lines.joined(separator: "\n"))
      isFirst = false
      return
    }
    let lines = capacity.map { Array(lines.prefix($0)) } ?? lines
    var text = shown > 0 ? "\u{1b}[\(shown)A" : ""
    text += "\u{1b}[?7l"
    for line in lines { text += "\r\u{1b}[2K\(line)\n" }
    text += "\u{1b}[J\u{1b}[?7h"
    shown = lines.count
    guard console.output(text) else { throw CommandFailure(what: "stdout", "the terminal is gone") }
  }
}
