import Connector
import Model

/// Conditions on a chunk key, which compares as a tuple: `(a, b) >= (x, y)`.
///
/// They are written out, since the servers' optimisers use an index for `a >= x AND (a > x OR (a = x AND b >= y))`, but
/// not for a comparison of row constructors.
enum KeySQL {
  /// Columns and bound differ in number, or there are none.
  private static func check(_ columns: [KeyColumn], _ bound: [KeyPart]) throws(ConnectorError) {
    guard columns.count == bound.count, !columns.isEmpty else {
      throw ConnectorError(.bug, "a bound of \(bound.count) values for a key of \(columns.count) columns")
    }
  }

  /// `key >= bound`, or `key > bound` where `strict`.
  static func above(_ columns: [KeyColumn], _ bound: [KeyPart], strict: Bool) throws(ConnectorError) -> String {
    try comparison(columns, bound, beyond: .above, last: strict ? .above : .atOrAbove)
  }

  /// `key < bound`.
  static func below(_ columns: [KeyColumn], _ bound: [KeyPart]) throws(ConnectorError) -> String {
    try comparison(columns, bound, beyond: .below, last: .below)
  }

  private static func comparison(
    _ columns: [KeyColumn], _ bound: [KeyPart], beyond: KeyRelation, last: KeyRelation
  ) throws(ConnectorError) -> String {
    try check(columns, bound)
    let end = columns.count - 1
    if end == 0 { return try columns[0].comparison(last, bound[0]) }
    var alternatives: [String] = []
    for index in 0...end {
      var terms: [String] = []
      for earlier in 0..<index { terms.append(try columns[earlier].comparison(.equal, bound[earlier])) }
      terms.append(try columns[index].comparison(index == end ? last : beyond, bound[index]))
      alternatives.append("(\(terms.joined(separator: " AND ")))")
    }
    return alternatives.joined(separator: " OR ")
  }

  /// The comparison of two tuples given as SQL expressions.
  static func comparison(_ left: [String], _ right: [String], beyond: String, last: String) -> String {
    let end = left.count - 1
    if end == 0 { return "\(left[0]) \(last) \(right[0])" }
    var alternatives: [String] = []
    for index in 0...end {
      var terms = (0..<index).map { "\(left[$0]) = \(right[$0])" }
      terms.append("\(left[index]) \(index == end ? last : beyond) \(right[index])")
      alternatives.append("(\(terms.joined(separator: " AND ")))")
    }
    return "\(left[0]) \(beyond)= \(right[0]) AND (\(alternatives.joined(separator: " OR ")))"
  }

  /// The conditions of a chunk; nil for the whole table. Rows without a value belong to the first chunk.
  static func condition(_ range: ChunkRange, _ columns: [KeyColumn]) throws(ConnectorError) -> String? {
    var terms: [String] = []
    // Leading columns in which both bounds agree are fixed, so that the rest is one simple range.
    var fixed = 0
    if let lower = range.lower, let upper = range.upper, lower.count == columns.count, upper.count == columns.count {
      while fixed < columns.count - 1, lower[fixed] == upper[fixed] {
        terms.append(try columns[fixed].comparison(.equal, lower[fixed]))
        fixed += 1
      }
    }
    let rest = Array(columns[fixed...])
    if let lower = range.lower { terms.append("(\(try above(rest, Array(lower.dropFirst(fixed)), strict: false)))") }
    if let upper = range.upper {
      let below = try below(rest, Array(upper.dropFirst(fixed)))
      let hasNulls = range.lower == nil && columns.count == 1 && columns[0].isNullable
      terms.append(hasNulls ? "(\(below) OR \(columns[0].name) IS NULL)" : "(\(below))")
    }
    return terms.isEmpty ? nil : terms.joined(separator: " AND ")
  }

  /// Makes a statement walk an index, in key order.
  static func forcing(_ index: TableIndex?) -> String {
    index.map { " FORCE INDEX (\(SQLText.name($0.name)))" } ?? ""
  }

  /// The order of the key.
  static func order(_ columns: [KeyColumn]) -> String {
    " ORDER BY " + columns.map(\.name).joined(separator: ", ")
  }
}
