import CMySQL

/// A connection of a test to its server. One thread at a time.
public final class SourceConnection {
  private let handle: UnsafeMutablePointer<MYSQL>
  private let kind: ServerKind
  private var isClosed = false

  /// Connects, as the account with every privilege unless told otherwise.
  public init(
    _ server: SourceServer, database: String? = nil, user: String = SourceServer.account,
    password: String = SourceServer.account
  ) throws {
    guard let handle = mysql_init(nil) else { throw SourceServerError("no memory") }
    guard
      mysql_real_connect(
        handle, "127.0.0.1", user, password, database, UInt32(server.port), nil, UInt(CLIENT_MULTI_STATEMENTS)) != nil
    else {
      let text = mysql_error(handle).map { String(cString: $0) } ?? ""
      mysql_close(handle)
      throw SourceServerError("cannot connect: \(text)")
    }
    self.handle = handle
    kind = server.kind
    _ = try query("SET NAMES utf8mb4")
    if kind == .mySQL { _ = try query("SET SESSION cte_max_recursion_depth = 4294967295") }
  }

  deinit { close() }

  /// The connection's number at the server.
  public var id: UInt { mysql_thread_id(handle) }

  /// Runs one or several statements; the rows of the last one that has any. MariaDB's sequences (`seq_1_to_100`) may
  /// be read on every server.
  @discardableResult
  public func query(_ sql: String) throws -> [[String?]] {
    var text = kind == .mySQL ? SequenceTables.written(out: sql) : sql
    let status = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { mysql_real_query(handle, $0.baseAddress, UInt($0.count)) }
    }
    guard status == 0 else { throw failure(sql) }
    var rows: [[String?]] = []
    while true {
      if let result = mysql_store_result(handle) {
        rows = Self.rows(result)
        mysql_free_result(result)
      }
      let more = mysql_next_result(handle)
      if more > 0 { throw failure(sql) }
      if more < 0 { return rows }
    }
  }

  private static func rows(_ result: UnsafeMutablePointer<MYSQL_RES>) -> [[String?]] {
    let width = Int(mysql_num_fields(result))
    var rows: [[String?]] = []
    while let row = mysql_fetch_row(result), let lengths = mysql_fetch_lengths(result) {
      rows.append(
        (0..<width).map { column in
          row[column].map {
            String(decoding: UnsafeRawBufferPointer(start: $0, count: Int(lengths[column])), as: UTF8.self)
          }
        })
    }
    return rows
  }

  private func failure(_ sql: String) -> SourceServerError {
    SourceServerError("\(mysql_error(handle).map { String(cString: $0) } ?? ""): \(sql.prefix(200))")
  }

  /// Closes the connection. Callable more than once.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    mysql_close(handle)
  }
}
