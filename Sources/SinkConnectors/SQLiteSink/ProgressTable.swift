import Connector
import Model
import Platform

/// `_tidegate_progress`: for each attempt that has claimed a split, what it has committed. A row is written in the
/// same transaction as the rows of data that it counts.
///
/// The claim of the highest attempt is the fence: a lower one may not write any more. All calls but `recovered` belong
/// into a write transaction.
struct ProgressTable {
  private let database: SQLiteDatabase

  init(_ database: SQLiteDatabase) { self.database = database }

  /// Creates the table where it is missing.
  func create() throws(ConnectorError) {
    try database.run(
      """
      CREATE TABLE IF NOT EXISTS "_tidegate_progress" (
        pipeline TEXT NOT NULL, split INTEGER NOT NULL, attempt INTEGER NOT NULL,
        sequence INTEGER NOT NULL DEFAULT 0, "offset" TEXT, rows INTEGER, bytes INTEGER, schema_versions TEXT,
        final INTEGER, remainder TEXT, PRIMARY KEY (pipeline, split, attempt)) WITHOUT ROWID
      """)
    try addRemainder()
  }

  /// Whether the table is there, in its present form.
  func exists() throws(ConnectorError) -> Bool {
    if database.hasProgressTable { return true }
    let isThere = try hasRemainder()
    database.hasProgressTable = isThere
    return isThere
  }

  /// A table that an earlier version has made lacks the column of remainders.
  private func addRemainder() throws(ConnectorError) {
    if try !hasRemainder() { try database.run("ALTER TABLE \"_tidegate_progress\" ADD COLUMN remainder TEXT") }
  }

  private func hasRemainder() throws(ConnectorError) -> Bool {
    let query = try database.statement(
      "SELECT count(*) FROM pragma_table_info('_tidegate_progress') WHERE name = 'remainder'")
    defer { query.reset() }
    return try query.step() && query.integer(0) > 0
  }

  /// Claims the split for the attempt, or for the one after it, if nobody later has.
  /// - Throws: `fenced` when somebody has.
  func claim(_ attempt: AttemptID) throws(ConnectorError) {
    try check(attempt)
    let insert = try database.statement(
      "INSERT INTO \"_tidegate_progress\" (pipeline, split, attempt) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
    try bind(insert, attempt)
    try insert.run()
  }

  /// Whether the attempt may still write.
  /// - Throws: `fenced` when a later one has claimed the split.
  func check(_ attempt: AttemptID) throws(ConnectorError) {
    let query = try database.statement(
      "SELECT max(attempt) FROM \"_tidegate_progress\" WHERE pipeline = ?1 AND split = ?2")
    try query.bind(1, attempt.pipeline)
    try query.bind(2, attempt.split)
    defer { query.reset() }
    if try query.step(), query.integer(0) > attempt.attempt {
      throw ConnectorError(.fenced, "attempt \(query.integer(0)) has taken split \(attempt.split) over from \(attempt)")
    }
  }

  /// The last sequence that the attempt has committed; 0: none.
  func committedSequence(_ attempt: AttemptID) throws(ConnectorError) -> Int {
    let query = try database.statement(
      "SELECT sequence FROM \"_tidegate_progress\" WHERE pipeline = ?1 AND split = ?2 AND attempt = ?3")
    try bind(query, attempt)
    defer { query.reset() }
    return try query.step() ? query.integer(0) : 0
  }

  /// What the split has committed, by whichever attempt committed last; nil: nothing.
  func recovered(_ attempt: AttemptID) throws(ConnectorError) -> SplitProgress? {
    let query = try database.statement(
      """
      SELECT "offset", rows, bytes, schema_versions, final, remainder FROM "_tidegate_progress"
      WHERE pipeline = ?1 AND split = ?2 AND sequence > 0 ORDER BY attempt DESC LIMIT 1
      """)
    try query.bind(1, attempt.pipeline)
    try query.bind(2, attempt.split)
    guard try query.step() else { return nil }
    var progress = SplitProgress(
      offset: Offset(query.text(0) ?? ""), rows: query.integer(1), bytes: query.integer(2),
      isFinal: query.integer(4) != 0)
    let versions = query.text(3) ?? "{}"
    let remainder = query.text(5)
    query.reset()
    progress.remainder = try remainder.map { text throws(ConnectorError) in try ChunkRangeText.range(text) }
    progress.schemaVersions = try readVersions(versions)
    return progress
  }

  /// Writes what the transaction brings the attempt to.
  func store(_ attempt: AttemptID, sequence: Int, _ progress: SplitProgress) throws(ConnectorError) {
    let update = try database.statement(
      """
      INSERT INTO "_tidegate_progress"
        (pipeline, split, attempt, sequence, "offset", rows, bytes, schema_versions, final, remainder)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
      ON CONFLICT (pipeline, split, attempt) DO UPDATE SET sequence = ?4, "offset" = ?5, rows = ?6, bytes = ?7,
        schema_versions = ?8, final = ?9, remainder = ?10
      """)
    try bind(update, attempt)
    try update.bind(4, sequence)
    try update.bind(5, progress.offset.text)
    try update.bind(6, progress.rows)
    try update.bind(7, progress.bytes)
    try update.bind(8, Self.text(progress.schemaVersions))
    try update.bind(9, progress.isFinal ? 1 : 0)
    try update.bind(10, progress.remainder.map(ChunkRangeText.text))
    try update.run()
  }

  private func bind(_ statement: SQLiteStatement, _ attempt: AttemptID) throws(ConnectorError) {
    try statement.bind(1, attempt.pipeline)
    try statement.bind(2, attempt.split)
    try statement.bind(3, attempt.attempt)
  }

  /// A JSON object, in the order of names.
  private static func text(_ versions: [String: Int]) -> String {
    let members = versions.sorted { $0.key < $1.key }.map { "\(JSONText.quoted($0.key)):\($0.value)" }
    return "{\(members.joined(separator: ","))}"
  }

  private func readVersions(_ text: String) throws(ConnectorError) -> [String: Int] {
    let query = try database.statement("SELECT key, value FROM json_each(?1)")
    try query.bind(1, text)
    var versions: [String: Int] = [:]
    while try query.step() { versions[query.text(0) ?? ""] = query.integer(1) }
    return versions
  }
}
