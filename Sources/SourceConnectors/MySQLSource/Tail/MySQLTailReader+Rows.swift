import Connector
import Model

/// Rows events: which tables, which rows, and in what form.
extension MySQLTailReader {
  private static let foreign = -2

  func processRows(_ event: RowsEvent, into batch: inout RowBatch) throws(ConnectorError) -> Outcome {
    if cursor.isXA {
      // They hold from the transaction's commit on (see `XATransactions`).
      advance()
      return .done
    }
    let map: TableMap
    do {
      map = try maps.table(for: event)
    } catch {
      throw error.connectorError(offset: cursor.offset.offset)
    }
    if map.tag == -1 { map.tag = indexes[map.table] ?? Self.foreign }
    guard map.tag >= 0 else {
      advance()
      if cursor.skip != nil, !cursor.isSkipping { _ = cursor.takeSkippedRows() }
      return .done
    }
    let table = tables[map.tag]
    // Another table's rows are waiting in the batch: they go first.
    if !batch.isEmpty, batch.schema !== table.schema { return .hold }
    advance()
    let skipped = cursor.skip == nil || cursor.isSkipping ? 0 : cursor.takeSkippedRows()
    if cursor.isSkipping || wasHandedOut || settings.skippedOperations.contains(event.kind) { return .done }
    switch table.filter?.verdict(cursor.place) ?? .deliver {
    case .skip: return .done
    case .deliver: break
    case .judge: return try decode(event, map, table, judged: true, skipped: skipped, into: &batch)
    }
    return try decode(event, map, table, judged: false, skipped: skipped, into: &batch)
  }

  private func decode(
    _ logged: RowsEvent, _ map: TableMap, _ table: CapturedTable, judged: Bool, skipped: Int, into batch: inout RowBatch
  ) throws(ConnectorError) -> Outcome {
    if !table.hasKey, shareIndex != 0 { return .done }
    if map.plan == nil, map.columnCount > table.schema.columns.count { try hideColumns(map, table) }
    let plan = try table.plan(map)
    if batch.isEmpty { batch.reset(schema: plan.schema) }
    let before = batch.byteCount
    let selects = judged || skipped > 0
    do {
      let event = logged.isCompressed ? try unpacked(logged) : logged
      if selects {
        scratch.reset(schema: plan.schema)
        var decoder = try RowsDecoder(event, plan: plan)
        while try decoder.next(into: &scratch) {}
      } else if shareCount > 1, table.hasKey {
        try decodeShare(event, plan, into: &batch)
      } else if event.kind == .update, table.hasKey {
        try decodeUpdates(event, plan, into: &batch)
      } else {
        var decoder = try RowsDecoder(event, plan: plan)
        while try decoder.next(into: &batch) {}
      }
    } catch {
      throw error.connectorError(table: table.id, offset: cursor.offset.offset)
    }
    if selects { try select(table, plan.schema, judged: judged, skipped: skipped, into: &batch) }
    if batch.byteCount > before {
      cursor.hasHandedOut = true
      lastHandedOut = rowsPlace
    }
    return .done
  }

  /// Updates without a filter: an update that changes the key is a delete of the old and an insert of the new one.
  private func decodeUpdates(
    _ event: RowsEvent, _ plan: RowDecodingPlan, into batch: inout RowBatch
  ) throws(BinlogError) {
    var decoder = try RowsDecoder(event, plan: plan)
    while true {
      let start = batch.byteCount
      guard try decoder.next(into: &batch) else { return }
      let old = batch.row(at: start)
      let size = old.size
      if !KeyComparison.sameKey(old, batch.row(at: start + size), schema: plan.schema) {
        batch.setOperation(.delete, at: start)
        batch.setOperation(.insert, at: start + size)
      }
    }
  }

  /// Rows whose key is of this share, without a filter.
  private func decodeShare(
    _ event: RowsEvent, _ plan: RowDecodingPlan, into batch: inout RowBatch
  ) throws(BinlogError) {
    var decoder = try RowsDecoder(event, plan: plan)
    while true {
      let start = batch.byteCount
      guard try decoder.next(into: &batch) else { return }
      let row = batch.row(at: start)
      let isWanted = isOfShare(row, plan.schema)
      if row.operation != .updateBefore {
        if !isWanted { batch.removeLast(1, from: start) }
        continue
      }
      let middle = start + row.size
      let after = batch.row(at: middle)
      if KeyComparison.sameKey(row, after, schema: plan.schema) {
        if !isWanted { batch.removeLast(2, from: start) }
        continue
      }
      splitUpdate(start, middle, isWanted, isOfShare(after, plan.schema), plan.schema, in: &batch)
    }
  }

  private func isOfShare(_ row: RowView, _ schema: RowSchema) -> Bool {
    KeyHash.hash(row, schema: schema) % shareCount == shareIndex
  }

  /// Makes an update that changes the key, the batch's last two rows, a delete and an insert, as far as they are wanted.
  private func splitUpdate(
    _ start: Int, _ middle: Int, _ deletes: Bool, _ inserts: Bool, _ schema: RowSchema, in batch: inout RowBatch
  ) {
    batch.setOperation(.delete, at: start)
    batch.setOperation(.insert, at: middle)
    if !deletes, inserts {
      scratch.reset(schema: schema)
      scratch.append(copying: batch.row(at: middle))
      batch.removeLast(2, from: start)
      batch.append(copying: scratch.row(at: 0))
    } else if !inserts {
      batch.removeLast(1, from: middle)
      if !deletes { batch.removeLast(1, from: start) }
    }
  }

  /// Copies those rows of `scratch` that belong to this share and are not contained in their chunk, without the first
  /// `skipped` changes.
  private func select(
    _ table: CapturedTable, _ schema: RowSchema, judged: Bool, skipped: Int, into batch: inout RowBatch
  ) throws(ConnectorError) {
    var chunks: [Int] = []
    if judged, let locator = table.filter?.locator { chunks = try locate(locator) }
    let place = cursor.place
    var offset = 0
    var number = 0
    var left = skipped
    func isWanted(_ row: RowView, _ number: Int) -> Bool {
      if shareCount > 1, table.hasKey, !isOfShare(row, schema) { return false }
      guard judged, let filter = table.filter else { return true }
      return !filter.contains(row, schema: schema, chunk: number < chunks.count ? chunks[number] : nil, place)
    }
    while offset < scratch.byteCount {
      let row = scratch.row(at: offset)
      offset += row.size
      let isPassedOver = left > 0
      if row.operation != .updateBefore { left -= 1 }
      if isPassedOver {
        number += 1
        continue
      }
      let wanted = isWanted(row, number)
      number += 1
      guard row.operation == .updateBefore else {
        if wanted { batch.append(copying: row) }
        continue
      }
      let after = scratch.row(at: offset)
      offset += after.size
      let afterWanted = isWanted(after, number)
      number += 1
      if wanted, afterWanted, !table.hasKey || KeyComparison.sameKey(row, after, schema: schema) {
        batch.append(copying: row)
        batch.append(copying: after)
      } else {
        if wanted { batch.append(copying: row, as: .delete) }
        if afterWanted { batch.append(copying: after, as: .insert) }
      }
    }
  }

  /// The chunk of each row of `scratch`.
  private func locate(_ locator: KeyLocator) throws(ConnectorError) -> [Int] {
    var chunks: [Int] = []
    var keys: [[String]] = []
    var offset = 0
    while offset < scratch.byteCount {
      let row = scratch.row(at: offset)
      offset += row.size
      if locator.isLocal { chunks.append(locator.locate(row)) } else { keys.append(try locator.literals(row)) }
    }
    if locator.isLocal { return chunks }
    do {
      return try locator.locate(keys, client: try helperClient())
    } catch  where error.kind == .connection || error.kind == .transient {
      // The event is still in the log connection's buffer: ask once more over a new connection.
      dropHelper()
      return try locator.locate(keys, client: try helperClient())
    }
  }
}
