import Model
import Testing

@testable import MySQLSource

/// Full metadata behind a TABLE_MAP, as both servers have written them for the same table:
///
///     a INT UNSIGNED, y YEAR, b BIGINT UNSIGNED, c VARCHAR(10) CHARACTER SET latin1, g GEOMETRY, p POINT, j JSON,
///     d BLOB, e ENUM('x','y'), f SET('u','v') CHARACTER SET latin1, h VARBINARY(5), i TEXT,
///     k DECIMAL(5,2) UNSIGNED, l BIT(3), m FLOAT UNSIGNED, n TIMESTAMP(3) NULL, o ENUM('ä') CHARACTER SET utf8mb3,
///     id INT NOT NULL, nm VARCHAR(20) NOT NULL, PRIMARY KEY (nm(5), id)
@Suite struct BinlogMetadataTests {
  static let recorded: [String: String] = [
    "mysql": """
    588f016b1309000000b40000004005000000006c0000000000010001780001770013030d080ffffff5fcfefe0ffcf6100411fe030f17\
    0a0004040402f701f801050002050203000403f7015000ffff010101f80309083f3ffcff00fcff000702000104280161017901620163\
    01670170016a01640165016601680169016b016c016d016e016f026964026e6d0b05fcff000821050502017501760609020178017901\
    02c3a40904120511000c03ffffe0a6b96c26
    """,
    "mariadb": """
    588f016b1301000000ac0000003a0500000000170000000000010001780001770013030d080ffffffcfcfefe0ffcf6100411fe030f17\
    0a0004040402f701f801050002050203000403f7015000ffff010101f80308083f3f2e3f3f2d2d070200010428016101790162016301\
    670170016a01640165016601680169016b016c016d016e016f026964026e6d0b032d082105050201750176060902017801790102c3a4\
    090412051100228f5d4e
    """,
  ]

  private static func bytes(_ server: String) throws -> [UInt8] { hexBytes(try #require(recorded[server])) }

  private static func map(_ server: String, _ event: [UInt8]) throws -> TableMap {
    var parser = try #require(RecordedTable.all.first { $0.server == server }).parser()
    return try event.withUnsafeBytes { bytes in
      guard case .tableMap(let map) = try parser.parse(bytes) else { throw BinlogError.corrupt("no map") }
      return try TableMap(map)
    }
  }

  @Test(arguments: ["mysql", "mariadb"])
  func recordedDescriptions(_ server: String) throws {
    let map = try Self.map(server, try Self.bytes(server))
    #expect(map.problem == nil)
    let columns = try #require(map.describedColumns)
    #expect(columns.map(\.name).joined(separator: ",") == "a,y,b,c,g,p,j,d,e,f,h,i,k,l,m,n,o,id,nm")
    let unsigned = columns.filter(\.isUnsigned).map(\.name)
    #expect(unsigned == ["a", "y", "b", "k", "m"])
    func column(_ name: String) throws -> DescribedColumn { try #require(columns.first { $0.name == name }) }
    #expect(try column("e").members == [Array("x".utf8), Array("y".utf8)])
    #expect(try column("f").members == [Array("u".utf8), Array("v".utf8)])
    #expect(try column("o").members == [Array("ä".utf8)])
    #expect(try column("e").type == .enumeration)
    #expect(try column("g").geometryType == 0)
    #expect(try column("p").geometryType == 1)
    let text: UInt32 = server == "mysql" ? 255 : 45
    for (name, collation) in [("c", 8), ("d", 63), ("h", 63), ("i", text), ("nm", text), ("f", 8), ("e", text)] {
      #expect(try column(name).collation == collation, "\(name)")
    }
    #expect(try column("a").collation == nil)
    #expect(map.primaryKey == [18, 17])
    #expect(map.hasKeyPrefixes)
    #expect(["nm", "id", "a"].map { name in columns.first { $0.name == name }?.keyPosition } == [0, 1, nil])
    #expect(columns.filter { !$0.isVisible }.isEmpty)
  }

  /// Every byte changed and every length: a description or a problem, and the name whenever it is there.
  @Test(arguments: ["mysql", "mariadb"])
  func damage(_ server: String) throws {
    let event = Array(try Self.bytes(server).dropLast(4))
    var problems = 0
    for place in 35..<event.count {
      for value in [0, 1, 0x7f, 0xfc, 0xfe, 0xff] as [UInt8] {
        var damaged = event
        damaged[place] = value
        if try Self.map(server, BinlogDamageTests.sealed(damaged)).problem != nil { problems += 1 }
      }
      let cut = try Self.map(server, BinlogDamageTests.sealed(Array(event[..<place])))
      #expect(cut.table.table == "w")
    }
    #expect(problems > 100)
  }
}
