import Model
import Testing

@testable import MySQLSource

/// Damaged events: an error or rows, never a trap, never a read outside the buffer.
@Suite struct BinlogDamageTests {
  @Test(arguments: RecordedTable.all)
  func wrongChecksumIsFound(_ table: RecordedTable) throws {
    let schema = try table.schema()
    let events = table.events.map(hexBytes)
    for index in events.indices {
      var damaged = events
      damaged[index][events[index].count / 2] ^= 0x10
      #expect(throws: BinlogError.self) { try table.loggedRows(schema, events: damaged) }
    }
  }

  /// Every prefix of every event, with a header and a checksum that fit it.
  @Test(arguments: RecordedTable.all.filter { $0.server == "mysql" })
  func truncationAtEveryByte(_ table: RecordedTable) throws {
    let schema = try table.schema()
    let events = Array(table.events.map(hexBytes).prefix(2))
    for index in events.indices {
      for length in 19..<(events[index].count - 4) {
        var damaged = events
        damaged[index] = Self.sealed(Array(events[index].prefix(length)))
        _ = try? table.loggedRows(schema, events: damaged)
      }
      // Without its last byte no event can be whole.
      var damaged = events
      damaged[index] = Self.sealed(Array(events[index].dropLast(5)))
      #expect(throws: BinlogError.self) { try table.loggedRows(schema, events: damaged) }
    }
  }

  @Test(arguments: 0..<8)
  func mutatedEvents(_ seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    var failures = 0
    let tables = try RecordedTable.all.map { (table: $0, schema: try $0.schema(), events: $0.events.map(hexBytes)) }
    for _ in 0..<3_000 {
      let (table, schema, events) = tables[Int.random(in: 0..<tables.count, using: &generator)]
      var damaged = Array(events.prefix(2))
      let index = Int.random(in: 0..<damaged.count, using: &generator)
      var body = Array(damaged[index].dropLast(4))
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = Int.random(in: 19..<body.count, using: &generator)
        body[place] =
          [0, 0xff, 0x7f, UInt8.random(in: 0...255, using: &generator)]
          .randomElement(using: &generator) ?? 0
      }
      damaged[index] = Self.sealed(body)
      do { _ = try table.loggedRows(schema, events: damaged) } catch { failures += 1 }
    }
    // Both outcomes occur, so both paths were taken.
    #expect(failures > 100)
    #expect(failures < 2_900)
  }

  /// Bytes without any meaning, as each type of event.
  @Test func randomBodies() throws {
    var generator = SeededGenerator(seed: 99)
    let table = try #require(RecordedTable.all.first)
    var parser = try table.parser()
    var outcomes = Set<Bool>()
    for type in UInt8.min...UInt8.max where type != 15 {
      for _ in 0..<100 {
        var event: [UInt8] = Array(repeating: 0, count: 19)
        event[4] = type
        for _ in 0..<Int.random(in: 0...80, using: &generator) {
          event.append(UInt8.random(in: 0...255, using: &generator) & .random(in: 0...255, using: &generator))
        }
        let succeeded = Self.sealed(event).withUnsafeBytes { bytes in
          do {
            let event = try parser.parse(bytes)
            if case .query(let query) = event { _ = (query.sql, query.schema, query.sqlMode) }
            if case .previousGTIDs(let set) = event { _ = try? set.set() }
            if case .mariaDBGTIDList(let list) = event { _ = try? list.position() }
            if case .tableMap(let map) = event { _ = try? TableMap(map) }
            return true
          } catch {
            return false
          }
        }
        outcomes.insert(succeeded)
      }
    }
    #expect(outcomes == [true, false])
  }

  /// The event with the length in its header and the checksum at its end put right.
  static func sealed(_ event: [UInt8]) -> [UInt8] {
    var event = event
    let size = UInt32(event.count + 4)
    for index in 0..<4 { event[9 + index] = UInt8(truncatingIfNeeded: size >> UInt32(8 * index)) }
    let crc = event.withUnsafeBytes { CRC32.checksum($0) }
    for index in 0..<4 { event.append(UInt8(truncatingIfNeeded: crc >> UInt32(8 * index))) }
    return event
  }
}
