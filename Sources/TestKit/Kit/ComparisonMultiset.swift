/// Compares a table whose rows have no identity: each row's hash is counted up for the source and down for the
/// replica. Only if counts remain, both sides are read once more to show the rows behind them.
struct MultisetComparison {
  private struct RowHash: Hashable {
    let first: UInt64
    let second: UInt64

    /// Two independent 64-bit FNV-1a sums, so that a collision among a few million rows is out of reach.
    init(_ row: CanonicalRow) {
      var first: UInt64 = 0xcbf2_9ce4_8422_2325
      var second: UInt64 = 0x9e37_79b9_7f4a_7c15
      for byte in row.bytes {
        first = (first ^ UInt64(byte)) &* 0x100_0000_01b3
        second = ((second ^ UInt64(byte)) &* 0xff51_afd7_ed55_8ccd)
        second ^= second >> 29
      }
      for end in row.ends { second = (second ^ UInt64(end)) &* 0xc4ce_b9fe_1a85_ec53 }
      self.first = first
      self.second = second
    }
  }

  private let table: ComparisonTable

  init(_ table: ComparisonTable) {
    self.table = table
  }

  func run(
    _ source: ComparisonSource, _ replica: ComparisonReplica, _ result: inout TableComparison
  ) throws(ComparisonError) {
    var counts: [RowHash: Int] = [:]
    var row = CanonicalRow()
    do {
      let rows = try source.rows(of: table)
      while try rows.next(&row) {
        counts[RowHash(row), default: 0] += 1
        result.sourceRows += 1
      }
    }
    do {
      let rows = try replica.rows(of: table)
      while try rows.next(&row) {
        result.replicaRows += 1
        let hash = RowHash(row)
        let left = counts[hash, default: 0] - 1
        counts[hash] = left == 0 ? nil : left
      }
    }
    if !counts.isEmpty { try show(counts, source, replica, &result) }
  }

  private func show(
    _ remaining: [RowHash: Int], _ source: ComparisonSource, _ replica: ComparisonReplica,
    _ result: inout TableComparison
  ) throws(ComparisonError) {
    var counts = remaining
    var row = CanonicalRow()
    do {
      let rows = try source.rows(of: table)
      while try rows.next(&row) {
        let hash = RowHash(row)
        guard let count = counts[hash], count > 0 else { continue }
        counts[hash] = count == 1 ? nil : count - 1
        result.differ("missing in the replica: \(describe(row))")
      }
    }
    let rows = try replica.rows(of: table)
    while try rows.next(&row) {
      let hash = RowHash(row)
      guard let count = counts[hash], count < 0 else { continue }
      counts[hash] = count == -1 ? nil : count + 1
      result.differ("in the replica only: \(describe(row))")
    }
  }

  private func describe(_ row: CanonicalRow) -> String {
    table.columns.indices.map { "\(table.columns[$0].name)=\(row.described($0))" }.joined(separator: ", ")
  }
}
