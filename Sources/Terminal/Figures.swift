/// Numbers, durations, sizes and rates as people read them. Documents for programs never go through here.
public enum Figures {
  /// `1,234,567`.
  public static func count(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
      result.append(digit)
    }
    return value < 0 ? "-" + result : result
  }

  /// `850ms`, `12.3s`, `4m 05s`, `2h 03m`, `3d 04h`; a negative duration (clocks differ) is `0ms`.
  public static func duration(milliseconds: Int64) -> String {
    let milliseconds = max(0, milliseconds)
    let seconds = milliseconds / 1000
    switch milliseconds {
    case ..<1000: return "\(milliseconds)ms"
    case ..<60_000: return "\(seconds).\(milliseconds % 1000 / 100)s"
    case ..<3_600_000: return "\(seconds / 60)m \(two(seconds % 60))s"
    case ..<86_400_000: return "\(seconds / 3600)h \(two(seconds / 60 % 60))m"
    default: return "\(seconds / 86_400)d \(two(seconds / 3600 % 24))h"
    }
  }

  /// The time left: whole seconds, rounded up, then as `duration`; `-` when it is unknown or no number.
  public static func remaining(seconds: Double?) -> String {
    guard let seconds, let whole = Int64(exactly: seconds.rounded(.up)), whole >= 0, whole < 1 << 40 else { return "-" }
    return whole < 60 ? "\(whole)s" : duration(milliseconds: whole * 1000)
  }

  /// `512 B`, `1.5 KiB`, `64.0 MiB`, in steps of 1024.
  public static func bytes(_ value: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var scaled = Double(value.magnitude)
    var unit = 0
    while scaled >= 1024, unit < units.count - 1 {
      scaled /= 1024
      unit += 1
    }
    let number = unit == 0 ? String(value.magnitude) : tenths(scaled, .down)
    return "\(value < 0 ? "-" : "")\(number) \(units[unit])"
  }

  /// Events a second: `345,678`, below ten with one decimal; `-` for what is no number.
  public static func rate(_ value: Double) -> String {
    guard value.isFinite, value >= 0, value < 1e15 else { return "-" }
    if value == 0 { return "0" }
    return value < 9.95 ? tenths(value, .toNearestOrAwayFromZero) : count(Int(value.rounded()))
  }

  /// `62.5%`, rounded down so that `100.0%` means all of it.
  public static func percent(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    return tenths(min(100, max(0, value)), .down) + "%"
  }

  /// `1 row`, `2 rows`.
  public static func plural(_ value: Int, _ noun: String) -> String {
    "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
  }

  private static func tenths(_ value: Double, _ rule: FloatingPointRoundingRule) -> String {
    let scaled = Int((value * 10).rounded(rule))
    return "\(scaled / 10).\(scaled % 10)"
  }

  private static func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
