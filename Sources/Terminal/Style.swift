/// How lines for people are written: plain, or with colour and bars on a terminal.
public struct Style: Sendable, Hashable {
  /// Whether ANSI colours may be used.
  public var colour: Bool
  /// Whether progress bars are drawn.
  public var bars: Bool

  /// Makes one.
  public init(colour: Bool, bars: Bool) {
    self.colour = colour
    self.bars = bars
  }

  /// For files and pipes.
  public static let plain = Style(colour: false, bars: false)

  /// What a word means to the eye.
  public enum Tone: Sendable, Hashable {
    case normal, strong, faint, good, busy, bad

    var code: String {
      switch self {
      case .normal: ""
      case .strong: "1"
      case .faint: "2"
      case .good: "32"
      case .busy: "33"
      case .bad: "31"
      }
    }
  }

  /// The text in its tone, unchanged where there is no colour.
  public func paint(_ text: String, _ tone: Tone) -> String {
    colour && tone != .normal && !text.isEmpty ? "\u{1b}[\(tone.code)m\(text)\u{1b}[0m" : text
  }

  /// The tone of a state of a pipeline, table, split or worker.
  public static func tone(state: String) -> Tone {
    switch state {
    case "failed", "lost": .bad
    case "done", "committed", "finished", "connected", "tail": .good
    case "pausing", "paused", "stopping", "stopped", "waiting", "pending", "dropped": .faint
    default: .busy
    }
  }

  /// `[######--------------]` for 0 to 100 percent.
  public static func bar(percent: Double, width: Int) -> String {
    let share = percent.isFinite ? min(100, max(0, percent)) / 100 : 0
    let full = Int(Double(width) * share)
    return "[" + String(repeating: "#", count: full) + String(repeating: "-", count: width - full) + "]"
  }
}
