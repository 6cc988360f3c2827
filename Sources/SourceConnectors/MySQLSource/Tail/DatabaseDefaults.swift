import Connector
import Model
import Platform

/// The databases' default character sets, by their collations, at places of the log.
///
/// The catalog has them as they are now. Whether they were the same where a reader is that lags behind, the rest of the
/// log tells: it is looked through for statements about databases, once for each stretch in which that matters.
struct DatabaseDefaults {
  /// As the catalog had them when the log was looked through; names in lower case.
  private var collations: [String: String] = [:]
  /// Statements about databases, with the places behind them.
  private var statements: [(name: String, place: Place)] = []
  private var from = Place()
  private var through = Place()
  private var server = ""

  private struct Place: Comparable {
    var file: UInt64 = 0
    var position: UInt64 = 0

    init() {}

    init(_ position: BinlogPosition) {
      file = BinlogFile.number(of: position.file) ?? 0
      self.position = position.position
    }

    static func < (left: Place, right: Place) -> Bool { (left.file, left.position) < (right.file, right.position) }
  }

  /// Nothing is known yet.
  init() {}

  /// Asks the catalog, and looks through the log from `start` to its end.
  /// - Throws: `transient` when the server does not send the log to its end; what `LogWalk` throws.
  init(
    from start: BinlogPosition, _ facts: ServerFacts, _ client: MySQLClient, _ settings: MySQLSourceSettings,
    _ interrupter: Interrupter
  ) throws(ConnectorError) {
    server = facts.identity
    from = Place(start)
    through = from
    collations = try CatalogFacts(client: client).databaseCollations()
    let end = Place(try client.logEnd(facts))
    var next = start
    let deadline = Clock.monotonicMilliseconds() + TableStatements.patience
    // At least once, though nothing has come since: MariaDB shows a statement a moment before it is logged. And a server
    // that shuts down ends the log as if it were whole.
    while true {
      try read(from: &next, settings, interrupter)
      guard through < end else { break }
      guard Clock.monotonicMilliseconds() < deadline else {
        throw ConnectorError(
          .transient, "the log was ended by the server at \(next.file):\(next.position), before its end",
          remedy: "it is read again; if this goes on, look at the server's error log")
      }
      try interrupter.pause(milliseconds: 20)
    }
  }

  private mutating func read(
    from next: inout BinlogPosition, _ settings: MySQLSourceSettings, _ interrupter: Interrupter
  ) throws(ConnectorError) {
    let walk = try LogWalk(settings, interrupter: interrupter, from: MySQLOffset(position: next, server: server))
    defer { walk.close() }
    while let event = try walk.next() {
      let position = BinlogPosition(file: walk.cursor.file, position: walk.cursor.position)
      if case .query(let query) = event, query.kind == .ddl { note(query, walk.facts, Place(position)) }
      if !walk.cursor.isOpen, !position.file.isEmpty {
        next = position
        through = max(through, Place(position))
      }
    }
  }

  private mutating func note(_ query: QueryEvent, _ facts: ServerFacts, _ place: Place) {
    let dialect = DDLDialect(serverVersion: facts.version, sqlMode: query.sqlMode ?? 0)
    // What is not understood is about tables, and met again by the reader.
    for statement in (try? DDLParser.parse(query.sql, defaultSchema: query.schema, dialect: dialect)) ?? [] {
      switch statement {
      case .defineDatabase(let name), .dropDatabase(let name): statements.append((name.lowercased(), place))
      default: break
      }
    }
  }

  /// Whether the place lies in what was looked through.
  func knows(_ place: BinlogPosition, of server: String) -> Bool {
    self.server == server && from <= Place(place) && Place(place) <= through && from != Place()
  }

  /// A database's default collation at the place, which is known; nil where a later statement may have changed it, or the
  /// database is gone.
  func collation(of name: String, at place: BinlogPosition) -> String? {
    let name = name.lowercased()
    if statements.contains(where: { $0.name == name && $0.place > Place(place) }) { return nil }
    return collations[name]
  }
}
