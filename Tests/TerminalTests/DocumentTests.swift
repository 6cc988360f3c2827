import Testing
import Wire

@testable import Terminal

@Suite("Documents as text")
struct DocumentTests {
  private func lines(_ verb: String, _ document: some Encodable, _ style: Style = .plain) throws -> [String] {
    try DocumentText.lines(verb: verb, pipeline: "shop", json: try Samples.json(document), style: style)
  }

  @Test func list() throws {
    let pipelines = [Samples.pipeline(), Samples.pipeline(state: "failed", error: "log purged — copy again")]
    #expect(
      try lines("list", pipelines) == [
        "NAME  STATE     SOURCE  SINK    TABLES  SNAPSHOT ROWS  TAIL ROWS  PARALLELISM",
        "shop  snapshot  mysql   sqlite     1/3      1,234,567          0            4",
        "shop  failed    mysql   sqlite     1/3      1,234,567          0            4",
        "shop: log purged — copy again",
      ])
  }

  @Test func statusOfASnapshot() throws {
    #expect(
      try lines("status", Samples.status()) == [
        "shop: snapshot, mysql to sqlite",
        "snapshot  1 of 3 tables, 1,234,567 rows, 98,765 rows/s, 48.7%, 14s left, parallelism 4",
        "",
        "TABLE           STATE    CHUNKS       ROWS  ROWS/S    DONE  ETA",
        "shop.customers  done        3/3     34,567       0  100.0%",
        "shop.items      waiting    0/0+          0       0    0.0%    -",
        "shop.orders     reading  12/40+  1,200,000  98,765   60.0%   9s",
      ])
  }

  @Test func statusOfATail() throws {
    #expect(
      try lines("status", Samples.status(state: "tail", tail: Samples.tail)).prefix(3).last
        == "tail      binlog.000003:4711, 1.2s behind, 5,000 changes, 346 changes/s")
    var idle = Samples.tail
    idle.idle = true
    idle.splits = 2
    #expect(
      try lines("status", Samples.status(state: "tail", tail: idle)).prefix(3).last
        == "tail      binlog.000003:4711, caught up, 5,000 changes, 346 changes/s, 2 splits")
    idle.idle = false
    idle.lagMilliseconds = nil
    #expect(Progress.tail(idle) == "binlog.000003:4711, 5,000 changes, 346 changes/s, 2 splits")
  }

  @Test func statusOfAFailure() throws {
    let lines = try lines("status", Samples.status(state: "failed", error: "purged\nlog"))
    #expect(lines[0] == "shop: failed, mysql to sqlite")
    #expect(lines[2] == "error     purged\\nlog")
  }

  @Test func nothingIsLeftToWaitForWhilePaused() throws {
    #expect(
      try lines("status", Samples.status(state: "paused"))[1]
        == "snapshot  1 of 3 tables, 1,234,567 rows, 48.7%, parallelism 4")
  }

  @Test func statusWithoutTables() throws {
    var status = Samples.status(state: "planning")
    status.tables = []
    status.pipeline.tables = 0
    status.pipeline.tablesDone = 0
    status.pipeline.snapshotRows = 0
    status.snapshot = SnapshotStatus(percent: 0, rowsPerSecond: 0, etaSeconds: nil)
    #expect(
      try lines("status", status) == [
        "shop: planning, mysql to sqlite", "snapshot  0 of 0 tables, 0 rows, parallelism 4",
      ])
  }

  @Test func statusOnATerminal() throws {
    let lines = try lines("status", Samples.status(), Style(colour: true, bars: true))
    #expect(lines[0] == "\u{1b}[1mshop\u{1b}[0m: \u{1b}[33msnapshot\u{1b}[0m, mysql to sqlite")
    #expect(lines[6].hasSuffix("   60.0%  [############--------]   9s"))
  }

  @Test func statusThatDoesNotFitShowsWhatIsBeingRead() throws {
    let lines = StatusView.lines(Samples.status(), .plain, capacity: 6)
    #expect(lines.count == 6)
    #expect(lines[4].hasPrefix("shop.orders "))
    #expect(lines[5] == "and 2 tables more")
    #expect(StatusView.lines(Samples.status(), .plain, capacity: 7).count == 7)
    #expect(!StatusView.lines(Samples.status(), .plain, capacity: 7)[6].hasPrefix("and"))
    #expect(StatusView.lines(Samples.status(), .plain, capacity: 1).last == "and 3 tables more")
  }

  /// Of many tables the coordinator tells only of as many as were asked for.
  @Test func statusOfTablesThatWereNotToldOf() throws {
    var status = Samples.status()
    status.pipeline.tables = 10_000
    #expect(StatusView.lines(status, .plain, capacity: 8).last == "and 9,997 tables more")
    #expect(StatusView.lines(status, .plain).count == 7)
  }

  @Test func tables() throws {
    #expect(
      try lines("tables", [Samples.customers, Samples.orders]) == [
        "TABLE           TARGET     STATE    CHUNKS       ROWS   ESTIMATE  ROWS/S    DONE  ETA  SCHEMA",
        "shop.customers  customers  done        3/3     34,567     34,000       0  100.0%           v2",
        "shop.orders     orders     reading  12/40+  1,200,000  2,000,000  98,765   60.0%   9s      v1",
      ])
  }

  @Test func splits() throws {
    #expect(
      try lines("splits", Samples.splits) == [
        "SPLIT  KIND      TABLE        RANGE             STATE      ATTEMPT  WORKER     ROWS    BYTES    AGE  "
          + "LOW WATERMARK      HIGH WATERMARK",
        "   17  snapshot  shop.orders  id [8097, 16193)  committed        2  db7:4711  8,096  1.0 MiB  12.3s  "
          + "binlog.000003:100  binlog.000003:120",
        "   18  tail      -            0 of 1            waiting          3  -             0      0 B  800ms  "
          + "-                  -",
        "split 18: connection lost",
      ])
  }

  @Test func workers() throws {
    #expect(
      try lines("workers", Samples.workers) == [
        "WORKER    STATE      SLOTS   HEARTBEAT  ID    RUNNING",
        "db7:4711  connected    2/4   850ms ago  9f3c  shop/17#2 shop/18#1",
        "db8:12    lost         0/2  1m 01s ago  77aa",
      ])
  }

  @Test func schema() throws {
    #expect(
      try lines("schema", Samples.schemas) == [
        "shop.orders version 1",
        "  COLUMN  TYPE             SOURCE TYPE    KEY",
        "  id      BIGINT NOT NULL  bigint(20)     1",
        "  total   DECIMAL(10,2)    decimal(10,2)",
        "",
        "shop.orders version 2: add.column at binlog.000003:900",
        "  COLUMN  TYPE             SOURCE TYPE  KEY",
        "  id      BIGINT NOT NULL  bigint(20)   1",
      ])
  }

  @Test(arguments: [
    ("list", "no pipelines"), ("tables", "no tables"), ("splits", "no splits"), ("workers", "no workers"),
    ("schema", "no schemas"),
  ])
  func emptyLists(_ verb: String, _ text: String) throws {
    #expect(try DocumentText.lines(verb: verb, pipeline: "", json: "[]", style: .plain) == [text])
  }

  @Test(arguments: [
    ("submit", "", "{\"name\":\"shop\",\"state\":\"planning\"}", "shop: submitted; state planning"),
    ("submit", "", "", "submitted"), ("pause", "shop", "", "shop: asked to pause"),
    ("resume", "shop", "{\"state\":\"snapshot\"}", "shop: resumed; state snapshot"),
    ("scale", "shop", "{}", "shop: scaled"), ("stop", "shop", "", "shop: asked to stop"),
    ("drop", "a\u{1b}b", "", "a\\u{1b}b: dropped"),
  ])
  func outcomes(_ verb: String, _ pipeline: String, _ json: String, _ line: String) throws {
    #expect(try DocumentText.lines(verb: verb, pipeline: pipeline, json: json, style: .plain) == [line])
  }

  @Test(arguments: [
    ("status", "", "the document is damaged"), ("status", "{}", "pipeline is missing"),
    ("list", "{}", "the document is of another type"), ("list", "[{\"name\":1}]", "is of another type"),
    ("workers", "[1", "the document is damaged"),
  ])
  func strangeDocumentsAreErrors(_ verb: String, _ json: String, _ reason: String) {
    let failure = #expect(throws: CommandFailure.self) {
      try DocumentText.lines(verb: verb, pipeline: "", json: json, style: .plain)
    }
    #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
    #expect(failure?.status == .failure)
  }

  @Test func namesCannotDriveTheTerminal() throws {
    var table = Samples.orders
    table.table = "x\u{1b}[2J\ny"
    for verb in ["tables", "status"] {
      let text =
        verb == "tables"
        ? try lines("tables", [table])
        : StatusView.lines(PipelineStatus(pipeline: Samples.pipeline(), tables: [table], tail: nil), .plain)
      #expect(text.contains { $0.hasPrefix("x\\u{1b}[2J\\ny ") })
    }
  }

  @Test func percentAndTimeLeftOfAPipeline() {
    #expect(Progress(Samples.status()).percent == 48.72)
    var status = Samples.status()
    status.snapshot = SnapshotStatus(percent: 100, rowsPerSecond: 0, etaSeconds: nil)
    #expect(Progress(status).percent == 100)
    #expect(Progress(status).secondsLeft == nil)
    status.snapshot = nil
    #expect(Progress(status).percent == 0)
    #expect(!Progress(status).snapshot.contains("%"))
    #expect(
      Progress(Samples.status(state: "tail", tail: Samples.tail)).line.hasPrefix("shop tail: binlog.000003:4711,"))
    #expect(Progress(Samples.status()).line.hasPrefix("shop snapshot: 1 of 3 tables, "))
  }
}
