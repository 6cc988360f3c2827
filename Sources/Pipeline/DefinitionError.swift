/// What is wrong in a pipeline file, and where: the one error of this module.
public struct DefinitionError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file's name as the user gave it.
  public var file: String
  /// Counted from 1.
  public var line: Int
  /// In characters, counted from 1.
  public var column: Int
  /// The place in the document, such as `source.hostname` or `route[1].sink-table`; empty for the document itself.
  public var path: String
  /// What is wrong, in one sentence without secrets.
  public var message: String
  /// The known name that was probably meant.
  public var suggestion: String?

  /// Makes an error.
  public init(file: String, line: Int, column: Int, path: String, message: String, suggestion: String? = nil) {
    self.file = file
    self.line = line
    self.column = column
    self.path = path
    self.message = message
    self.suggestion = suggestion
  }

  /// `shop.yaml:4:3: source.hostnam: unknown option "hostnam" (did you mean "hostname"?)`
  public var description: String {
    var text = "\(file):\(line):\(column): "
    if !path.isEmpty { text += "\(path): " }
    text += message
    if let suggestion { text += " (did you mean \"\(suggestion)\"?)" }
    return text
  }
}

/// Finds the known name that somebody who mistyped it probably meant.
enum NearestName {
  /// The candidate with the fewest edits, if these are few for the name's length; nil when nothing comes near.
  static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
    let limit = 2 + name.count / 8
    guard name.count <= 128 else { return nil }
    let typed = Array(name.lowercased())
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let distance = edits(typed, Array(candidate.lowercased()))
      guard distance <= limit, distance < max(typed.count, 1) else { continue }
      guard let current = best else {
        best = (candidate, distance)
        continue
      }
      if (distance, candidate) < (current.distance, current.name) { best = (candidate, distance) }
    }
    return best?.name
  }

  /// Insertions, deletions, substitutions and swaps of neighbours that make one text the other.
  static func edits(_ left: [Character], _ right: [Character]) -> Int {
    var before: [Int] = []
    var previous = Array(0...right.count)
    for (row, leftCharacter) in left.enumerated() {
      var current = [row + 1]
      for (column, rightCharacter) in right.enumerated() {
        let substitution = previous[column] + (leftCharacter == rightCharacter ? 0 : 1)
        var cost = min(substitution, previous[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, leftCharacter == right[column - 1], left[row - 1] == rightCharacter {
          cost = min(cost, before[column - 1] + 1)
        }
        current.append(cost)
      }
      before = previous
      previous = current
    }
    return previous[right.count]
  }
}
