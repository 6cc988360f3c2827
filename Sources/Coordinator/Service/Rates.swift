import Platform

/// Rows a second over the last seconds, from samples taken about once a second.
struct RateMeter: Sendable {
  private struct Sample {
    var time: Int64
    var rows: Int
  }

  private var samples: [Sample] = []

  /// Window in milliseconds.
  private static let window: Int64 = 6_000

  /// Takes a sample; times rise.
  mutating func add(rows: Int, now: Int64) {
    if let last = samples.last, now - last.time < 100 { return }
    if let last = samples.last, rows < last.rows { samples = [] }
    samples.append(Sample(time: now, rows: rows))
    samples.removeAll { now - $0.time > Self.window }
  }

  /// Whether nothing has been added for longer than the window.
  func isStale(now: Int64) -> Bool { samples.last.map { now - $0.time > Self.window } ?? true }

  /// Rows a second over the window; 0 before there are two samples.
  var perSecond: Double {
    guard let first = samples.first, let last = samples.last, last.time > first.time else { return 0 }
    return Double(last.rows - first.rows) * 1000 / Double(last.time - first.time)
  }
}
