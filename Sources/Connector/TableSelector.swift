import Model
import Platform

/// A pattern for tables as Flink CDC's pipeline files have it: `shop.orders`, `shop\d+.\.*`, `a.b, c.d`.
///
/// Alternatives are separated by commas (`\,` is a comma of the pattern itself), the parts of a table's name by dots
/// (`\.` is the regular expression's dot). Each part is a regular expression that must match the whole part, so no
/// pattern runs over a dot between two parts, and the number of parts must be the same. White space around alternatives
/// and parts is dropped.
///
/// Safe to share between threads. Results are remembered, so asking again for the same table costs a look-up.
public struct TableSelector: Sendable {
  /// Where a selector stands; the reference reads the two a little differently.
  public enum Style: Sendable, Hashable {
    /// A source's `tables` and `tables.exclude`: ASCII letters match without regard to case.
    case tables
    /// A route's `source-table`: case counts; `a.b|c.d` are two alternatives; an alternative without any separator is
    /// matched against the whole dotted name (the reference documents `mydb\.*` for all tables of a database).
    case route
  }

  /// The selector as it was written.
  public let text: String
  /// How it is read.
  public let style: Style
  /// Number of capture groups, counted over all alternatives from left to right.
  public let groupCount: Int

  private let matcher: SelectorMatcher

  /// Reads a source's selector.
  /// - Throws: `configuration` that quotes the pattern when it is empty or a part is no regular expression.
  public init(_ text: String) throws(ConnectorError) {
    try self.init(text, style: .tables)
  }

  /// Reads a selector.
  /// - Throws: `configuration` that quotes the pattern when it is empty or a part is no regular expression.
  public init(_ text: String, style: Style) throws(ConnectorError) {
    let alternatives = try SelectorSyntax(text, style: style).alternatives()
    var compiled: [SelectorAlternative] = []
    var groups = 0
    for parts in alternatives {
      let alternative = try SelectorAlternative(parts, style: style, firstGroup: groups + 1, selector: text)
      groups += alternative.groupCount
      compiled.append(alternative)
    }
    self.text = text
    self.style = style
    self.groupCount = groups
    self.matcher = SelectorMatcher(compiled)
  }

  /// Whether one of the alternatives matches the table.
  public func matches(_ table: TableID) -> Bool { matcher.matches(table) }

  /// What the groups of the first matching alternative have captured; nil when nothing matches. Element 0 is the whole
  /// dotted name, element n is group n; groups that took no part, and those of other alternatives, are empty texts.
  public func captures(_ table: TableID) -> [String]? { matcher.captures(table, groupCount: groupCount) }
}

/// The compiled alternatives, and what they said of the tables asked for so far.
///
/// `Regex` is not Sendable (it could hold closures; those made here come from text and hold none), so every use of one
/// happens under the monitor's lock.
private final class SelectorMatcher: Sendable {
  private struct State {
    var alternatives: [SelectorAlternative]
    var known: [TableID: Bool] = [:]
  }

  /// Tables remembered before the memory is emptied and begun anew.
  private static let memory = 8192

  private let state: Monitor<State>

  init(_ alternatives: sending [SelectorAlternative]) {
    state = Monitor(State(alternatives: alternatives))
  }

  func matches(_ table: TableID) -> Bool {
    state.withLock { state in
      if let known = state.known[table] { return known }
      let result = state.alternatives.contains { $0.captures(table) != nil }
      if state.known.count >= Self.memory { state.known.removeAll(keepingCapacity: true) }
      state.known[table] = result
      return result
    }
  }

  func captures(_ table: TableID, groupCount: Int) -> [String]? {
    state.withLock { state in
      for alternative in state.alternatives {
        guard let captured = alternative.captures(table) else { continue }
        var result = [String](repeating: "", count: groupCount + 1)
        result[0] = table.description
        for (index, text) in captured.enumerated() where alternative.firstGroup + index <= groupCount {
          result[alternative.firstGroup + index] = text
        }
        return result
      }
      return nil
    }
  }
}
