/// Which name was probably meant.
public enum NearestName {
  /// The candidate closest to `name` by edit distance, the first of several; nil when none is close enough to be a
  /// likely slip (more than a third of its letters differ).
  public static func of(_ name: String, among candidates: [String]) -> String? {
    let name = name.lowercased()
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(Array(name.utf8.prefix(64)), Array(candidate.lowercased().utf8.prefix(64)))
      let limit = max(1, (max(name.utf8.count, candidate.utf8.count) + 2) / 3)
      if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// Insertions, deletions, replacements and swaps of neighbours that lead from one to the other.
  static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in 0..<left.count {
      var current = [row + 1]
      for column in 0..<right.count {
        let same = left[row] == right[column]
        var cost = min(last[column] + (same ? 0 : 1), last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          cost = min(cost, beforeLast[column - 1] + 1)
        }
        current.append(cost)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
