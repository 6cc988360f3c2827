import Model
import Testing

@testable import MySQLSource

/// MariaDB's compressed events (`log_bin_compress`), as MariaDB 10.11 has written them.
@Suite struct BinlogCompressedEventTests {
  private static let tableMap = "120000000000010001780001740002030f02d00702"
  private static let write = """
    a78d016ba6010000003900000037030000000012000000000001000203820133789cfbc3c8c0c0a0c39898943c8a884400ecde74034a\
    72274a
    """
  private static let update = """
    a78d016ba701000000420000002304000000001200000000000100020303820266789cfbc3c8c0c0a0c39898943c8a88447f20415638\
    0a8806005745f99903b42620
    """
  private static let query = """
    a78d016ba5010000006e000000da04000000000600000000000000010000230000000000010100002054000000000603737464042100\
    21000800810f0000000000000078008159789c4bcc29492d5228494cca4955285148cecfcd4dcd2b51504fa414a80300c85d20f7bfae\
    85df
    """

  private static func parser() throws -> BinlogParser {
    try #require(RecordedTable.all.first { $0.server == "mariadb" }).parser()
  }

  private static func bytes(_ text: String) -> [UInt8] { hexBytes(text.filter { $0 != " " }) }

  private static func schema() throws -> RowSchema {
    var table = try #require(RecordedTable.all.first { $0.server == "mariadb" })
    table.columns = ["id|int(11)|", "v|varchar(2000)|latin1_swedish_ci"]
    return try table.schema()
  }

  private static func rows(_ event: [UInt8]) throws -> [Row] {
    var parser = try parser()
    let schema = try schema()
    let map = try bytes(tableMap).withUnsafeBytes { body in
      try TableMap(
        TableMapEvent(tableID: 18, flags: 1, body: UnsafeRawBufferPointer(rebasing: body[8...]), isMariaDB: true))
    }
    return try event.withUnsafeBytes { bytes in
      guard case .rows(let rows) = try parser.parse(bytes) else { throw BinlogError.corrupt("no rows") }
      #expect(rows.isCompressed)
      #expect(rows.tableID == 18)
      let plan = try RowDecodingPlan(tableMap: map, schema: schema, types: try MySQLColumnType.types(of: schema.schema))
      var decoder = try RowsDecoder(try parser.unpacked(rows), plan: plan)
      var batch = RowBatch()
      batch.reset(schema: schema)
      while try decoder.next(into: &batch) {}
      return Row.rows(of: batch, schema)
    }
  }

  private static func text(_ letters: String, _ count: Int) -> [UInt8] {
    Array(String(repeating: letters, count: count).utf8)
  }

  @Test func recordedRows() throws {
    let inserted = try Self.rows(Self.bytes(Self.write))
    #expect(inserted == [Row(operation: .insert, values: [.integer(1), .bytes(Self.text("abc", 100))])])
    let updated = try Self.rows(Self.bytes(Self.update))
    #expect(updated.map(\.operation) == [.updateBefore, .updateAfter])
    #expect(updated.last?.values == [.integer(1), .bytes(Self.text("q", 300))])
  }

  @Test func recordedStatement() throws {
    var parser = try Self.parser()
    try Self.bytes(Self.query).withUnsafeBytes { bytes in
      guard case .query(let query) = try parser.parse(bytes) else { throw BinlogError.corrupt("no statement") }
      #expect(query.kind == .ddl)
      #expect(query.schema == "x")
      #expect(query.sql.hasPrefix("alter table t comment 'aaaa"))
    }
  }

  /// Every byte of the packed part set to something else: an error, or rows of the announced length.
  @Test func damage() throws {
    let event = Array(Self.bytes(Self.write).dropLast(4))
    var failures = 0
    for place in 27..<event.count {
      for value in [0, 1, 0x7f, 0x84, 0xff] as [UInt8] {
        var damaged = event
        damaged[place] = value
        do { _ = try Self.rows(BinlogDamageTests.sealed(damaged)) } catch { failures += 1 }
      }
      #expect(throws: BinlogError.self) { try Self.rows(BinlogDamageTests.sealed(Array(event.prefix(place)))) }
    }
    #expect(failures > 50)
  }

  /// A length of nearly 4 GiB costs nothing: memory follows what is unpacked.
  @Test func claimedLength() throws {
    let event = Self.bytes(Self.write)
    let place = try #require(event.firstIndex(of: 0x82))
    var damaged = Array(event[..<place]) + [0x84, 0x3f, 0xff, 0xff, 0xff] + event[(place + 3)...].dropLast(4)
    #expect(throws: BinlogError.self) { try Self.rows(BinlogDamageTests.sealed(damaged)) }
    damaged[place + 1] = 0xff
    #expect(throws: BinlogError.self) { try Self.rows(BinlogDamageTests.sealed(damaged)) }
  }
}
