/// Compares a MySQL source with its SQLite replica, row by row and typed, independently of the product's own decoders:
/// the source through the client library's text protocol, the replica through SQLite.
///
/// Tables with a primary key are merged in key order, in constant memory. Tables without one are compared as
/// multisets of row hashes.
public enum Comparison {
  /// Compares what the request names.
  /// - Parameter each: called after each table, in the source's order.
  /// - Returns: the results of all tables.
  /// - Throws: ``ComparisonError`` when either side cannot be read.
  @discardableResult
  public static func run(
    _ request: ComparisonRequest, each: (TableComparison) -> Void = { _ in }
  ) throws(ComparisonError) -> [TableComparison] {
    let source = try ComparisonSource(request)
    let replica = try ComparisonReplica(request)
    var results: [TableComparison] = []
    for table in try selected(request, source) {
      var result = TableComparison(table: table.fullName, limit: request.examplesPerTable)
      try compare(table, source, replica, &result)
      each(result)
      results.append(result)
    }
    if request.tables == nil, request.nameStyle == .full {
      for result in try strays(request, results, replica) {
        each(result)
        results.append(result)
      }
    }
    return results
  }

  private static func selected(
    _ request: ComparisonRequest, _ source: ComparisonSource
  ) throws(ComparisonError) -> [ComparisonTable] {
    var found: [ComparisonTable] = []
    var wanted = Set(request.tables ?? [])
    for database in request.databases {
      for name in try source.tables(of: database) {
        if request.tables != nil {
          let named = wanted.remove(name) != nil
          let namedInFull = wanted.remove("\(database).\(name)") != nil
          let known = found.contains { $0.name == name } && request.tables?.contains(name) == true
          guard named || namedInFull || known else { continue }
        }
        if request.leavesOut("\(database).\(name)") { continue }
        found.append(try source.describe(database, name))
      }
    }
    if let missing = wanted.sorted().first {
      throw ComparisonError("the source has no table \(missing) in \(request.databases.joined(separator: ", "))")
    }
    guard !found.isEmpty else {
      throw ComparisonError("the source has no tables in \(request.databases.joined(separator: ", "))")
    }
    return found
  }

  /// Tables that the replica has in a compared database and the source has not, or that were to be left out.
  private static func strays(
    _ request: ComparisonRequest, _ results: [TableComparison], _ replica: ComparisonReplica
  ) throws(ComparisonError) -> [TableComparison] {
    let known = Set(results.map(\.table))
    var strays: [TableComparison] = []
    for name in try replica.tables() where !known.contains(name) {
      let leavesOut = request.leavesOut(name)
      guard leavesOut || request.databases.contains(where: { name.hasPrefix("\($0).") }) else { continue }
      var result = TableComparison(table: name, limit: request.examplesPerTable)
      result.differ(
        leavesOut ? "the replica must not have this table" : "the replica has this table, the source has not")
      strays.append(result)
    }
    return strays
  }

  private static func compare(
    _ table: ComparisonTable, _ source: ComparisonSource, _ replica: ComparisonReplica,
    _ result: inout TableComparison
  ) throws(ComparisonError) {
    let present = try replica.columns(of: replica.name(of: table))
    guard !present.isEmpty else {
      result.differ("the replica has no table \"\(replica.name(of: table))\"")
      return
    }
    for column in table.columns where !present.contains(column.name) {
      result.differ("column \(column.name) is missing in the replica")
    }
    for name in present where !table.columns.contains(where: { $0.name == name }) {
      result.differ("column \(name) is in the replica only")
    }
    let common = table.keeping { present.contains($0.name) }
    if common.isOrdered {
      try merge(common, source, replica, &result)
    } else {
      try MultisetComparison(common).run(source, replica, &result)
    }
  }

  private static func merge(
    _ table: ComparisonTable, _ source: ComparisonSource, _ replica: ComparisonReplica,
    _ result: inout TableComparison
  ) throws(ComparisonError) {
    let order = KeyOrder(table: table)
    let left = try source.rows(of: table)
    let right = try replica.rows(of: table)
    var sourceRow = CanonicalRow()
    var replicaRow = CanonicalRow()
    var hasSource = try left.next(&sourceRow)
    var hasReplica = try right.next(&replicaRow)
    while hasSource || hasReplica {
      let side = !hasSource ? 1 : (!hasReplica ? -1 : order.compare(sourceRow, replicaRow))
      if side < 0 {
        result.differ("\(order.describe(sourceRow)): missing in the replica")
      } else if side > 0 {
        result.differ("\(order.describe(replicaRow)): in the replica only")
      } else if sourceRow != replicaRow {
        result.differ("\(order.describe(sourceRow)): \(columnDifferences(table, sourceRow, replicaRow))")
      }
      if side <= 0 {
        result.sourceRows += 1
        hasSource = try left.next(&sourceRow)
      }
      if side >= 0 {
        result.replicaRows += 1
        hasReplica = try right.next(&replicaRow)
      }
    }
  }

  private static func columnDifferences(
    _ table: ComparisonTable, _ source: CanonicalRow, _ replica: CanonicalRow
  ) -> String {
    table.columns.indices.filter { !source.equals(replica, column: $0) }.map { index in
      "\(table.columns[index].name) is \(source.described(index)), in the replica \(replica.described(index))"
    }.joined(separator: "; ")
  }
}

extension ComparisonRequest {
  /// Whether a table, by its full name, is not compared.
  fileprivate func leavesOut(_ table: String) -> Bool { leftOut.contains { table.hasPrefix($0) } }
}
