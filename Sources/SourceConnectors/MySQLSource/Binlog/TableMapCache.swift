/// The table maps of the log file being read, by table id. A map that comes again with the same bytes, as it does in
/// front of every statement, costs a comparison and no memory.
struct TableMapCache {
  private var maps: [UInt64: Entry] = [:]
  /// The map used last: most events are about the same table as the one before.
  private var latest: TableMap?
  private var clock: UInt64 = 0

  private struct Entry {
    var map: TableMap
    var lastUse: UInt64
  }

  /// Beyond this number the older half is dropped: table ids grow for ever as tables are opened and closed. No
  /// statement touches so many tables.
  private static let limit = 8192

  init() {}

  /// Notes an event. The same object is returned as long as id and bytes are the same.
  mutating func register(_ event: TableMapEvent) throws(BinlogError) -> TableMap {
    if let latest, latest.matches(event) { return latest }
    clock += 1
    if let known = maps[event.tableID]?.map, known.matches(event) {
      maps[event.tableID]?.lastUse = clock
      latest = known
      return known
    }
    let map = try TableMap(event)
    if maps.count >= Self.limit { dropOlderHalf() }
    maps[event.tableID] = Entry(map: map, lastUse: clock)
    latest = map
    return map
  }

  /// The map of a rows event.
  /// - Throws: `corrupt` when no TABLE_MAP came before.
  func table(for event: RowsEvent) throws(BinlogError) -> TableMap {
    if let latest, latest.tableID == event.tableID { return latest }
    guard let map = maps[event.tableID]?.map else {
      throw .corrupt("a rows event for table id \(event.tableID), which no TABLE_MAP event has introduced")
    }
    return map
  }

  /// The map of a table id, if one came before.
  func table(of tableID: UInt64) -> TableMap? { maps[tableID]?.map }

  /// Forgets everything: with a new log file, table ids begin anew.
  mutating func removeAll() {
    maps.removeAll(keepingCapacity: true)
    latest = nil
  }

  private mutating func dropOlderHalf() {
    let uses = maps.values.map(\.lastUse).sorted()
    let median = uses[uses.count / 2]
    maps = maps.filter { $0.value.lastUse >= median }
  }
}
