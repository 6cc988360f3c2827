import Wire

/// What `list` shows.
enum ListView {
  static func lines(_ pipelines: [PipelineSummary], _ style: Style) -> [String] {
    guard !pipelines.isEmpty else { return ["no pipelines"] }
    var table = TextTable([
      .left("name"), .left("state"), .left("source"), .left("sink"), .right("tables"), .right("snapshot rows"),
      .right("tail rows"), .right("parallelism"),
    ])
    var errors: [String] = []
    for pipeline in pipelines {
      table.add([
        .init(pipeline.name, .strong), .init(pipeline.state, Style.tone(state: pipeline.state)),
        .init(pipeline.source), .init(pipeline.sink), .init("\(pipeline.tablesDone)/\(pipeline.tables)"),
        .init(Figures.count(pipeline.snapshotRows)), .init(Figures.count(pipeline.tailRows)),
        .init(Figures.count(pipeline.snapshotParallelism)),
      ])
      if let error = pipeline.error { errors.append(errorLine(pipeline.name, error, style)) }
    }
    return table.lines(style) + errors
  }

  /// `shop: message`, under a table.
  static func errorLine(_ subject: String, _ error: String, _ style: Style) -> String {
    style.paint(PlainText.visible("\(subject): \(error)"), .bad)
  }
}

/// What `tables` shows.
enum TablesView {
  static func lines(_ tables: [TableStatus], _ style: Style) -> [String] {
    guard !tables.isEmpty else { return ["no tables"] }
    var table = TextTable([
      .left("table"), .left("target"), .left("state"), .right("chunks"), .right("rows"), .right("estimate"),
      .right("rows/s"), .right("done"), .right("eta"), .right("schema"),
    ])
    for row in tables {
      table.add([
        .init(row.table, .strong), .init(row.target), .init(row.state, Style.tone(state: row.state)),
        .init(chunks(row)), .init(Figures.count(row.rows)), .init(Figures.count(row.estimatedRows)),
        .init(Figures.rate(row.rowsPerSecond)), .init(Figures.percent(row.percent)), .init(eta(row)),
        .init("v\(row.schemaVersion)"),
      ])
    }
    return table.lines(style)
  }

  /// `12/40`, with a `+` while planning has not come to the table's end.
  static func chunks(_ row: TableStatus) -> String {
    "\(Figures.count(row.chunksDone))/\(Figures.count(row.chunksPlanned))\(row.planned ? "" : "+")"
  }

  static func eta(_ row: TableStatus) -> String {
    row.percent >= 100 ? "" : Figures.remaining(seconds: row.etaSeconds)
  }
}

/// What `splits` shows.
enum SplitsView {
  static func lines(_ splits: [SplitStatus], _ style: Style) -> [String] {
    guard !splits.isEmpty else { return ["no splits"] }
    var table = TextTable([
      .right("split"), .left("kind"), .left("table"), .left("range"), .left("state"), .right("attempt"),
      .left("worker"), .right("rows"), .right("bytes"), .right("age"), .left("low watermark"),
      .left("high watermark"),
    ])
    var errors: [String] = []
    for split in splits {
      table.add([
        .init(String(split.split)), .init(split.kind), .init(split.table ?? "-"),
        .init(PlainText.cropped(split.range, to: 60)), .init(split.state, Style.tone(state: split.state)),
        .init(String(split.attempt)), .init(split.worker ?? "-"), .init(Figures.count(split.rows)),
        .init(Figures.bytes(split.bytes)), .init(Figures.duration(milliseconds: split.ageMilliseconds)),
        .init(watermark(split.lowWatermark)), .init(watermark(split.highWatermark)),
      ])
      if let error = split.error { errors.append(ListView.errorLine("split \(split.split)", error, style)) }
    }
    return table.lines(style) + errors
  }

  /// A set of GTIDs can be long: `--json` has all of it.
  private static func watermark(_ text: String?) -> String { PlainText.cropped(text ?? "-", to: 50) }
}

/// What `workers` shows.
enum WorkersView {
  static func lines(_ workers: [WorkerStatus], _ style: Style) -> [String] {
    guard !workers.isEmpty else { return ["no workers"] }
    var table = TextTable([
      .left("worker"), .left("state"), .right("slots"), .right("heartbeat"), .left("id"), .left("running"),
    ])
    for worker in workers {
      table.add([
        .init(worker.name, .strong), .init(worker.state, Style.tone(state: worker.state)),
        .init("\(worker.running.count)/\(worker.slots)"),
        .init(Figures.duration(milliseconds: worker.heartbeatAgeMilliseconds) + " ago"), .init(worker.id),
        .init(PlainText.cropped(worker.running.joined(separator: " "), to: 80)),
      ])
    }
    return table.lines(style)
  }
}

/// What `schema` shows: a block for each version.
enum SchemaView {
  static func lines(_ schemas: [SchemaStatus], _ style: Style) -> [String] {
    guard !schemas.isEmpty else { return ["no schemas"] }
    var lines: [String] = []
    for schema in schemas {
      if !lines.isEmpty { lines.append("") }
      var head = "\(schema.table) version \(schema.version)"
      if !schema.changes.isEmpty { head += ": \(schema.changes.joined(separator: ", "))" }
      if let offset = schema.offset { head += " at \(offset)" }
      lines.append(style.paint(PlainText.visible(head), .strong))
      var table = TextTable([.left("column"), .left("type"), .left("source type"), .left("key")])
      for column in schema.columns {
        let place = schema.primaryKey.firstIndex(of: column.name)
        table.add([
          .init(column.name), .init(column.type), .init(column.nativeType), .init(place.map { "\($0 + 1)" } ?? ""),
        ])
      }
      lines += table.lines(style).map { "  " + $0 }
    }
    return lines
  }
}
