import Model
import Testing

@testable import MySQLSource

/// Names of transactions: tagged GTIDs and XA identifiers, as MySQL 9.7 and MariaDB 10.11 have written them.
@Suite struct BinlogIdentityTests {
  private static let server = "977c76b7-e5a6-11f1-971d-02fc00000001"

  @Test func recordedTaggedGTID() throws {
    let event = hexBytes(
      """
      a78d016b2a09000000510000008b03000000000274000000025d02f8ecdd029503990222c5035d023a04f103000000020404060a6d79\
      74616708080a100c7f96f5b273c860061071041283120b5de1f78b
      """)
    var parser = try BinlogPayloadTests.mySQLParser()
    try event.withUnsafeBytes { bytes in
      guard case .gtid(let gtid) = try parser.parse(bytes) else { throw BinlogError.corrupt("no GTID") }
      #expect(gtid.gtid.description == "\(Self.server):mytag:1")
      #expect(!gtid.isAnonymous)
    }
    for length in 19..<(event.count - 40) {
      let cut = BinlogDamageTests.sealed(Array(event.prefix(length)))
      #expect(throws: BinlogError.self) { try cut.withUnsafeBytes { _ = try parser.parse($0) } }
    }
  }

  @Test func recordedTaggedSet() throws {
    let event = hexBytes(
      """
      0102000000000001977c76b7e5a611f1971d02fc0000000100010000000000000001000000000000000c00000000000000977c76b7e5\
      a611f1971d02fc000000010a6d79746167010000000000000001000000000000000200000000000000
      """)
    let set = try event.withUnsafeBytes { try GTIDSet(decoding: $0) }
    #expect(set.description == "\(Self.server):1-11:mytag:1")
    #expect(set.encoded() == event)
    for length in 0..<event.count {
      #expect(throws: BinlogError.self) { try event[..<length].withUnsafeBytes { try GTIDSet(decoding: $0) } }
    }
  }

  @Test func taggedText() throws {
    let text = "\(Self.server):MyTag:3-4:1-2:other_1:7:tag:1:2,\(Self.server):5"
    let set = try GTIDSet(parsing: text)
    #expect(set.description == "\(Self.server):5:mytag:1-4:other_1:7:tag:1-2")
    #expect(try GTIDSet(parsing: set.description) == set)
    #expect(try set.encoded().withUnsafeBytes { try GTIDSet(decoding: $0) } == set)
    let tag = try #require(MySQLGTIDTag(bytes: "mytag".utf8))
    let server = try #require(MySQLUUID(text: Self.server))
    #expect(set.contains(MySQLGTID(source: MySQLGTIDSource(server: server, tag: tag), number: 4)))
    #expect(!set.contains(MySQLGTID(source: server, number: 4)))
    #expect(set.contains(MySQLGTID(source: server, number: 5)))
    #expect(set.subtracting(try GTIDSet(parsing: "\(Self.server):mytag:2-9")).description.contains(":mytag:1:other"))
  }

  /// Each length of the serialization library's integers.
  @Test(
    arguments: [
      ("00", 0), ("fe", 127), ("0102", 128), ("fbff07", 65535), ("fdff", 16383),
      ("ffffffffffffffffff", UInt64.max), ("7fffffffffffffff", 1 << 56 - 1),
    ] as [(String, UInt64)])
  func variableIntegers(_ text: String, _ value: UInt64) throws {
    let bytes = hexBytes(text)
    try bytes.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      let read = try reader.variableInteger()
      #expect(read == value)
      #expect(reader.isAtEnd)
    }
    #expect(throws: BinlogError.self) {
      try bytes.dropLast().withUnsafeBytes { bytes in
        var reader = ByteReader(bytes)
        _ = try reader.variableInteger()
      }
    }
  }

  @Test(arguments: [("f3ff0f", 65535), ("ebff0f", -65535), ("fbff0f", -65536)] as [(String, Int64)])
  func signedVariableIntegers(_ text: String, _ value: Int64) throws {
    try hexBytes(text).withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      let read = try reader.signedVariableInteger()
      #expect(read == value)
    }
  }

  @Test func transactionNames() throws {
    let name = try XAIdentifier(statement: "XA COMMIT X'6731',X'6231',7")
    #expect(name == XAIdentifier(format: 7, global: [0x67, 0x31], branch: [0x62, 0x31]))
    #expect(name.description == "X'6731',X'6231',7")
    #expect(try XAIdentifier(statement: "XA START X'6732',X'',1").branch.isEmpty)
    let event = hexBytes("0700000002000000020000006731" + "6231")
    #expect(try event.withUnsafeBytes { try XAIdentifier($0) } == name)
    for length in 0..<event.count {
      #expect(throws: BinlogError.self) { try event[..<length].withUnsafeBytes { try XAIdentifier($0) } }
    }
    for text in ["XA COMMIT", "XA COMMIT 'g'", "XA COMMIT X'6',X'',1", "XA COMMIT X'zz',X'',1", "XA COMMIT X'',X''"] {
      #expect(throws: BinlogError.self) { try XAIdentifier(statement: text) }
    }
  }
}
