/// The benchmark's server, through the `mariadb` client. The password comes from the environment (MYSQL_PWD).
struct Database {
  let options: BenchOptions

  /// Runs statements; what they print is returned.
  @discardableResult
  func execute(_ sql: String) throws(BenchError) -> String {
    let input = "\(options.directory)/statements.sql"
    let output = "\(options.directory)/statements.out"
    let errors = "\(options.directory)/statements.err"
    try Command.write(sql, to: input)
    let status = try Command.run(
      [
        "mariadb", "--no-defaults", "--default-character-set=utf8mb4", "--host=127.0.0.1", "--port=\(options.port)",
        "--user=shop", "--batch", "--skip-column-names", Workload.database,
      ], input: input, output: output, errors: errors)
    guard status == 0 else { throw BenchError("the server refused statements: \(try Command.read(errors))") }
    return try Command.read(output)
  }

  /// Empties the binary log and says where it begins.
  func resetLog() throws(BenchError) -> LogPosition {
    let words = try execute("RESET MASTER; SHOW MASTER STATUS;").split(whereSeparator: \.isWhitespace)
    guard words.count >= 2, let position = Int(words[1]) else {
      throw BenchError("the server does not say where its binary log is")
    }
    return LogPosition(file: String(words[0]), position: position)
  }
}

/// A place in the binary log.
struct LogPosition {
  let file: String
  let position: Int
}
