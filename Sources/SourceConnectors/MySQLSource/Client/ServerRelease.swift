/// What a server understands, by product and version; nothing is asked. Forks with versions of their own are why the
/// statements come as lists: the first one that is no syntax error is the right one.
struct ServerRelease: Hashable, Sendable {
  /// Whether it is a MariaDB.
  let isMariaDB: Bool
  /// Major, minor and patch.
  let number: [Int]

  /// - Parameter version: as the server calls itself: `5.7.44-log`, `5.5.5-10.6.18-MariaDB`, `8.0.mysql_aurora.3.04.0`.
  init(isMariaDB: Bool, version: String) {
    self.isMariaDB = isMariaDB
    var text = version[...]
    // MariaDB says so to old replicas.
    if isMariaDB, text.hasPrefix("5.5.5-") { text = text.dropFirst(6) }
    let parts = text.split(separator: ".").prefix(3).map { part in Int(part.prefix { $0.isNumber }) ?? 0 }
    number = parts + Array(repeating: 0, count: 3 - parts.count)
  }

  /// Whether it is this version or a later one.
  func isAtLeast(_ major: Int, _ minor: Int, _ patch: Int = 0) -> Bool {
    (number[0], number[1], number[2]) >= (major, minor, patch)
  }

  /// The oldest version that can be read.
  var isReadable: Bool { isMariaDB ? isAtLeast(10, 2) : isAtLeast(5, 6) }

  /// The end of the binary log.
  var logStatus: [String] {
    inOrder(new: "SHOW BINARY LOG STATUS", old: "SHOW MASTER STATUS", isNew: !isMariaDB && isAtLeast(8, 2))
  }

  /// Whether the server is a replica: a row, or none.
  var replicaStatus: [String] {
    inOrder(
      new: "SHOW REPLICA STATUS", old: "SHOW SLAVE STATUS", isNew: isMariaDB ? isAtLeast(10, 5) : isAtLeast(8, 0, 22))
  }

  private func inOrder(new: String, old: String, isNew: Bool) -> [String] { isNew ? [new, old] : [old, new] }

  /// What every session begins with: the same text for a value whatever the server's settings (UTC, backslash escapes,
  /// no padding, `"` a string quote), and no limit that a slow sink or a large table would meet.
  var sessionStatements: [String] {
    var statements = [
      "SET NAMES utf8mb4",
      // net_write_timeout: a sink that is slow for hours must not make the server hang up within a chunk.
      "SET SESSION time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION', net_write_timeout = 86400, "
        + "net_read_timeout = 3600, wait_timeout = 604800, interactive_timeout = 604800, autocommit = 1",
    ]
    if isMariaDB {
      statements.append("SET SESSION max_statement_time = 0")
    } else {
      statements.append("SET SESSION sql_safe_updates = 0")
      if isAtLeast(5, 7, 8) { statements.append("SET SESSION max_execution_time = 0") }
    }
    return statements
  }
}
