/// MariaDB's sequence tables (`SELECT seq FROM seq_1_to_100`) for servers that have none.
enum SequenceTables {
  /// The statement with every sequence table written out as a query.
  static func written(out sql: String) -> String {
    guard sql.contains("seq_") else { return sql }
    var result = ""
    var rest = sql[...]
    while let found = rest.firstRange(of: "seq_") {
      result += rest[..<found.lowerBound]
      rest = rest[found.lowerBound...]
      if let (first, last, end) = bounds(rest) {
        result += query(first, last)
        rest = rest[end...]
      } else {
        result += rest[found]
        rest = rest[found.upperBound...]
      }
    }
    return result + rest
  }

  /// Reads `seq_FIRST_to_LAST` at the start of the text.
  private static func bounds(_ text: Substring) -> (UInt64, UInt64, Substring.Index)? {
    let afterPrefix = text.dropFirst("seq_".count)
    let first = afterPrefix.prefix { $0.isNumber }
    let middle = afterPrefix[first.endIndex...]
    guard middle.hasPrefix("_to_") else { return nil }
    let last = middle.dropFirst("_to_".count).prefix { $0.isNumber }
    guard let low = UInt64(first), let high = UInt64(last), low <= high else { return nil }
    return (low, high, last.endIndex)
  }

  private static func query(_ first: UInt64, _ last: UInt64) -> String {
    "(WITH RECURSIVE numbers (seq) AS (SELECT CAST(\(first) AS UNSIGNED) UNION ALL "
      + "SELECT seq + 1 FROM numbers WHERE seq < \(last)) SELECT seq FROM numbers) AS seq_\(first)_to_\(last)"
  }
}
