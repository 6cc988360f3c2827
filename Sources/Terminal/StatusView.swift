import Wire

/// What `status` shows: the pipeline, its snapshot and its tail in a line each, then the tables.
public enum StatusView {
  /// The lines, at most `capacity` of them. When there are more tables than fit, those being read come first, and the
  /// last line says how many are left out.
  public static func lines(_ status: PipelineStatus, _ style: Style, capacity: Int? = nil) -> [String] {
    let head = head(status, style)
    guard !status.tables.isEmpty else { return head }
    let full = head + [""] + table(status.tables, style)
    // Of many tables the coordinator has told of those that may be shown, no more.
    let count = max(status.tables.count, status.pipeline.tables)
    guard let capacity, full.count > capacity || status.tables.count < count else { return full }
    let room = max(0, capacity - head.count - 3)  // blank line, head of the table, last line
    let chosen = byInterest(status.tables).prefix(room)
    let left = count - chosen.count
    return head + [""] + table(Array(chosen), style) + [
      style.paint("and \(Figures.plural(left, "table")) more", .faint)
    ]
  }

  private static func head(_ status: PipelineStatus, _ style: Style) -> [String] {
    let pipeline = status.pipeline
    let state = style.paint(PlainText.visible(pipeline.state), Style.tone(state: pipeline.state))
    let name = style.paint(PlainText.visible(pipeline.name), .strong)
    var lines = ["\(name): \(state), \(PlainText.visible("\(pipeline.source) to \(pipeline.sink)"))"]
    lines.append("snapshot  \(Progress(status).snapshot), parallelism \(pipeline.snapshotParallelism)")
    if let tail = status.tail { lines.append("tail      \(PlainText.visible(Progress.tail(tail)))") }
    if let error = pipeline.error { lines.append(style.paint("error     \(PlainText.visible(error))", .bad)) }
    return lines
  }

  private static func table(_ tables: [TableStatus], _ style: Style) -> [String] {
    var columns: [TextTable.Column] = [
      .left("table"), .left("state"), .right("chunks"), .right("rows"), .right("rows/s"), .right("done"),
    ]
    if style.bars { columns.append(.left("")) }
    var table = TextTable(columns + [.right("eta")])
    for row in tables {
      var cells: [TextTable.Cell] = [
        .init(row.table), .init(row.state, Style.tone(state: row.state)), .init(TablesView.chunks(row)),
        .init(Figures.count(row.rows)), .init(Figures.rate(row.rowsPerSecond)), .init(Figures.percent(row.percent)),
      ]
      if style.bars { cells.append(.init(Style.bar(percent: row.percent, width: 20))) }
      table.add(cells + [.init(TablesView.eta(row))])
    }
    return table.lines(style)
  }

  private static func byInterest(_ tables: [TableStatus]) -> [TableStatus] {
    let order = ["reading": 0, "restarting": 0, "joining": 0, "creating": 1, "waiting": 2]
    return tables.sorted { left, right in
      let ranks = (order[left.state] ?? 3, order[right.state] ?? 3)
      return ranks.0 == ranks.1 ? left.table < right.table : ranks.0 < ranks.1
    }
  }
}

/// A whole pipeline's progress, in words.
public struct Progress: Sendable, Hashable {
  private let status: PipelineStatus

  /// Takes what `status` answers.
  public init(_ status: PipelineStatus) { self.status = status }

  /// 0 to 100 over all tables; 100 only when all are done.
  public var percent: Double { status.snapshot?.percent ?? 0 }

  /// Rows a second of all snapshot splits.
  public var rowsPerSecond: Double { status.snapshot?.rowsPerSecond ?? 0 }

  /// Seconds until the snapshot is done at the present rate; nil when nothing moves or nothing is left.
  public var secondsLeft: Double? { status.snapshot?.etaSeconds }

  /// `3 of 5 tables, 412,345 rows, 98,765 rows/s, 62.5%, 12s left`; without rate and time left when nothing is read.
  public var snapshot: String {
    let pipeline = status.pipeline
    var parts = ["\(Figures.count(pipeline.tablesDone)) of \(Figures.plural(pipeline.tables, "table"))"]
    parts.append(Figures.plural(pipeline.snapshotRows, "row"))
    let isAtWork = ["planning", "snapshot", "tail"].contains(pipeline.state)
    if isAtWork, rowsPerSecond > 0 { parts.append("\(Figures.rate(rowsPerSecond)) rows/s") }
    if pipeline.tables > 0, status.snapshot != nil { parts.append(Figures.percent(percent)) }
    if isAtWork, let secondsLeft { parts.append("\(Figures.remaining(seconds: secondsLeft)) left") }
    return parts.joined(separator: ", ")
  }

  /// `binlog.000003:4711, 1.2s behind, 1,234 changes, 345 changes/s`.
  public static func tail(_ tail: TailStatus) -> String {
    var parts = [tail.offset]
    if tail.idle {
      parts.append("caught up")
    } else if let lag = tail.lagMilliseconds {
      parts.append("\(Figures.duration(milliseconds: lag)) behind")
    }
    parts.append(Figures.plural(tail.rows, "change"))
    parts.append("\(Figures.rate(tail.rowsPerSecond)) changes/s")
    if let wanted = tail.splitsWanted {
      parts.append("\(tail.splits) of \(Figures.plural(wanted, "split")): too few slots")
    } else if tail.splits != 1 {
      parts.append(Figures.plural(tail.splits, "split"))
    }
    return parts.joined(separator: ", ")
  }

  /// One line about the part that is at work: the tail once it has begun, else the snapshot.
  public var line: String {
    let pipeline = status.pipeline
    let head = "\(pipeline.name) \(pipeline.state): "
    let text = status.tail.map { pipeline.state == "snapshot" ? snapshot : Self.tail($0) } ?? snapshot
    return PlainText.visible(head + text)
  }
}
