import Connector
import Model

/// Conditions on a chunk key, which compares as a tuple: `(a, b) >= (x, y)`.
///
/// They are written out, since the servers' optimisers use an index for `a >= x AND (a > x OR (a = x AND b >= y))`, but
/// not for a comparison of row constructors.
enum KeySQL {
  /// Columns and bound differ in number, or a value does not fit its column.
  private static func check(_ columns: [KeyColumn], _ bound: [KeyPart]) throws(ConnectorError) {
    guard columns.count == bound.count, !columns.isEmpty else {
      throw ConnectorError(.bug, "a bound of \(bound.count) values for a key of \(columns.count) columns")
    }
  }

  /// `key >= bound`, or `key > bound` where `strict`.
  static func above(_ columns: [KeyColumn], _ bound: [KeyPart], strict: Bool) throws(ConnectorError) -> String {
    try comparison(columns, bound, beyond: ">", last: strict ? ">" : ">=")
  }

  /// `key < bound`.
  static func below(_ columns: [KeyColumn], _ bound: [KeyPart]) throws(ConnectorError) -> String {
    try comparison(columns, bound, beyond: "<", last: "<")
  }

  private static func comparison(
    _ columns: [KeyColumn], _ bound: [KeyPart], beyond: String, last: String
  ) throws(ConnectorError) -> String {
    try check(columns, bound)
    var names: [String] = []
    var values: [String] = []
    for (column, part) in zip(columns, bound) {
      names.append(SQLText.name(column.column.name))
      values.append(try column.literal(part))
    }
    return comparison(names, values, beyond: beyond, last: last)
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

  /// The conditions of a chunk; nil for the whole table.
  static func condition(_ range: ChunkRange, _ columns: [KeyColumn]) throws(ConnectorError) -> String? {
    var terms: [String] = []
    if let lower = range.lower { terms.append("(\(try above(columns, lower, strict: false)))") }
    if let upper = range.upper { terms.append("(\(try below(columns, upper)))") }
    return terms.isEmpty ? nil : terms.joined(separator: " AND ")
  }
}
