import Connector
import Testing

@testable import Pipeline

@Suite struct DefinitionTests {
  @Test func fullFile() throws {
    let text = """
      # everything at once
      source:
        type: mysql
        name: the shop
        hostname: ${env:DB}
        port: 3307
        username: cdc
        password: "${file:/run/pw}"
        tables: 'shop\\d+.orders, shop.\\.*'
        scan.startup.mode: INITIAL
        schema-change.enabled: False
        debezium.heartbeat: 5
        connect.timeout: 5 s
        buffer: 64 mb
      sink:
        type: sqlite
        name: replica
        path: &here ./replica.db
        table.create.properties.strict: yes
        include.schema.changes: [column, table]
        exclude.schema.changes:
          - drop
      route:
        - {source-table: 'shop\\d+.orders', sink-table: dw.orders, description: shards}
        - source-table: shop.\\.*
          sink-table: ods.pre_<>
          replace-symbol: <>
      transform: []
      pipeline:
        name: Demo 1.0
        parallelism: 4
        execution.runtime-mode: streaming
        schema.change.behavior: EVOLVE
        route-mode: first_match
        local-time-zone: Europe/Paris
        schema-operator.rpc-timeout: 2 min
        tail.parallelism: 3
        commit.interval: 500ms
      """
    let definition = try parse(text, resolver(["DB": "db-secret.internal"], files: ["/run/pw": "swordfish"]))
    #expect(definition.name == "Demo 1.0")
    #expect(definition.sourceType == "mysql" && definition.sourceName == "the shop")
    #expect(definition.sinkType == "sqlite" && definition.sinkName == "replica")
    let source = definition.sourceOptions
    #expect(source["hostname"] == "db-secret.internal" && source["password"] == "swordfish")
    #expect(source["tables"] == "shop\\d+.orders, shop.\\.*")
    #expect(try source.integer("port") == 3307 && source.integer("chunk.size") == 8096)
    #expect(source["scan.startup.mode"] == "initial" && source["schema-change.enabled"] == "false")
    #expect(try source.milliseconds("connect.timeout") == 5000 && source.bytes("buffer") == 64 << 20)
    #expect(source["debezium.heartbeat"] == "5")
    #expect(source.given.contains("port") && !source.given.contains("chunk.size") && !source.given.contains("type"))
    #expect(definition.sinkOptions.values == ["path": "./replica.db", "table.create.properties.strict": "yes"])
    #expect(definition.includeSchemaChanges == ["column", "table"] && definition.excludeSchemaChanges == ["drop"])
    #expect(
      definition.routes == [
        RouteRule(sourceTable: "shop\\d+.orders", sinkTable: "dw.orders", description: "shards"),
        RouteRule(sourceTable: "shop.\\.*", sinkTable: "ods.pre_<>", replaceSymbol: "<>"),
      ])
    var settings = PipelineSettings()
    settings.parallelism = 4
    settings.schemaChangeBehavior = .evolve
    settings.routeMode = .firstMatch
    settings.localTimeZone = "Europe/Paris"
    settings.schemaOperatorTimeoutMilliseconds = 120_000
    settings.tailParallelism = 3
    settings.commitIntervalMilliseconds = 500
    #expect(definition.settings == settings)
    #expect(definition.secrets == ["db-secret.internal", "swordfish"])
    #expect(definition.warnings.isEmpty)
  }

  @Test func defaults() throws {
    let definition = try parse(base)
    #expect(definition.name == "shop")
    #expect(definition.settings == PipelineSettings())
    #expect(definition.settings.schemaOperatorTimeoutMilliseconds == 180_000)
    #expect(definition.settings.commitIntervalMilliseconds == 1000 && definition.settings.tailParallelism == 1)
    #expect(definition.routes.isEmpty && definition.sourceName == nil && definition.includeSchemaChanges.isEmpty)
    #expect(definition.excludeSchemaChanges == ["drop.table", "truncate.table"])
    #expect(definition.secrets == ["hunter2-base"])
    #expect(try parse(base + "route:\ntransform: ~\npipeline:\n") == definition)
  }

  @Test func flowStyleAsTheReferenceShowsIt() throws {
    let text = """
      source: { type: mysql, hostname: db1, port: 3306, username: cdc, password: x, tables: 'shop\\d+.orders' }
      sink:   { type: values, exclude.schema.changes: [drop] }
      route:
        - { source-table: 'shop\\d+.orders', sink-table: dw.orders }
      pipeline: { name: demo, parallelism: 4, schema.change.behavior: evolve }
      """
    let definition = try parse(text)
    #expect(definition.name == "demo" && definition.sourceOptions["password"] == "x")
    #expect(!definition.allows("drop.column") && definition.allows("truncate.table"))
  }

  @Test(arguments: [
    ("a/b/my shop.yaml", "my shop"), ("x.YML", "x"), ("-", "pipeline"), ("", "pipeline"), ("../..", "pipeline"),
    ("schöp.yaml", "sch--p"), (".hidden.yaml", "hidden"), ("two.parts.yaml", "two.parts"), (".yaml", "pipeline"),
  ])
  func nameFromFile(file: String, name: String) throws {
    #expect(try parse(base, file: file).name == name)
  }

  @Test(arguments: ["a", "Sync MySQL to X", "9.9-b_c", String(repeating: "n", count: 128)])
  func goodNames(name: String) throws {
    #expect(try parse(base + "pipeline: {name: '\(name)'}").name == name)
  }

  @Test(arguments: ["", " a", "-a", "a/b", "ä", "a\tb", String(repeating: "n", count: 129)])
  func badNames(name: String) {
    #expect(complaint(base + "pipeline: {name: \"\(name)\"}")?.contains("shop.yaml:9:18: pipeline.name: ") == true)
  }

  @Test func leadingEscapedAsterisk() throws {
    #expect(try parse(withSource("tables.exclude: \\*.a")).sourceOptions["tables.exclude"] == "*.a")
    #expect(try parse(withSource("tables.exclude: '\\*.a'")).sourceOptions["tables.exclude"] == "\\*.a")
  }

  @Test func aliasesRepeatValues() throws {
    let definition = try parse(
      """
      source: &s {type: mysql, hostname: &h db1, username: *h, password: *h, tables: a.b}
      sink: {type: sqlite, path: *h}
      """)
    #expect(definition.sinkOptions["path"] == "db1" && definition.secrets == ["db1"])
  }

  // MARK: Schema change filters

  @Test(
    arguments: [
      (nil, nil, ["drop.table", "truncate.table"]),
      (nil, "[]", []),
      ("[]", nil, ["drop.table", "truncate.table"]),
      ("[all]", "[create]", ["create.table"]),
      ("[add]", "[]", ["alter.column.type", "rename.column", "drop.column", "drop.table", "truncate.table"]),
      ("[column]", nil, ["drop.table", "truncate.table"]),
      ("[column, table]", "[drop]", ["drop.column", "drop.table"]),
      (
        "[add.column]", "[table]",
        [
          "create.table", "alter.column.type", "rename.column", "drop.column", "drop.table", "truncate.table",
        ]
      ),
      (
        "[alter]", "[alter.column.type]",
        [
          "add.column", "alter.column.type", "rename.column", "drop.column", "drop.table", "truncate.table",
        ]
      ),
    ] as [(String?, String?, [String])])
  func schemaChangeFilter(include: String?, exclude: String?, refused: [String]) throws {
    var text = base
    if let include { text += "  include.schema.changes: \(include)\n" }
    if let exclude { text += "  exclude.schema.changes: \(exclude)\n" }
    let definition = try parse(text)
    for tag in [
      "create.table", "add.column", "alter.column.type", "rename.column", "drop.column", "truncate.table",
      "drop.table",
    ] {
      #expect(definition.allows(tag) == !refused.contains(tag), "\(tag)")
    }
    #expect(!definition.allows("unheard.of"))
  }

  @Test func otherBehaviorsExcludeNothing() throws {
    for behavior in ["evolve", "try_evolve", "TRY_EVOLVE", "exception", "ignore"] {
      let definition = try parse(base + "pipeline: {schema.change.behavior: \(behavior)}")
      #expect(definition.allows("drop.table") && definition.excludeSchemaChanges.isEmpty)
      #expect(definition.settings.schemaChangeBehavior.rawValue == behavior.lowercased())
    }
  }

  // MARK: Options

  @Test func ignoredOptionsWarnAndGo() throws {
    let definition = try parse(
      withSource("jdbc.properties.useSSL: false", "connection.pool.size: 5", "debezium.snapshot.mode: never")
        + "pipeline: {operator.uid.prefix: x, schema.operator.uid: y, sink.partitioning.strategy: TABLE_ID}")
    #expect(
      definition.warnings
        == [
          "shop.yaml:9: pipeline.operator.uid.prefix: ignored: it names Flink's operators, which do not exist here",
          "shop.yaml:9: pipeline.schema.operator.uid: ignored: it names one of Flink's operators, which do not exist here",
          "shop.yaml:9: pipeline.sink.partitioning.strategy: ignored: rows are not redistributed between workers, so there "
            + "is nothing to choose",
          "shop.yaml:7: source.jdbc.properties.useSSL: ignored: there is no JDBC driver",
          "shop.yaml:8: source.connection.pool.size: ignored: there is no pool",
          "shop.yaml:9: source.debezium.snapshot.mode: ignored: snapshots are read otherwise",
        ].map { $0.replacing("shop.yaml:9: pipeline", with: "shop.yaml:12: pipeline") })
    #expect(definition.sourceOptions["jdbc.properties.useSSL"] == nil)
    #expect(definition.sourceOptions["debezium.snapshot.mode"] == nil)
  }

  @Test func unsupportedOptionAtItsDefaultIsNoRequest() throws {
    let definition = try parse(withSource("scan.newly-added-table.enabled: FALSE"))
    #expect(!definition.sourceOptions.given.contains("scan.newly-added-table.enabled"))
  }

  @Test func batchNeedsSnapshotMode() throws {
    let batch = "pipeline:\n  execution.runtime-mode: BATCH\n"
    #expect(try parse(withSource("scan.startup.mode: Snapshot") + batch).settings.runtimeMode == .batch)
    #expect(
      complaint(base + batch)
        == "shop.yaml:10:3: pipeline.execution.runtime-mode: BATCH needs a source that ends: "
        + "`scan.startup.mode: snapshot`")
  }

  @Test func registryKnowsItsTypes() {
    #expect(registry.sourceTypes == ["mysql"] && registry.sinkTypes == ["sqlite", "values"])
    #expect(registry.source("mysql") != nil && registry.source("sqlite") == nil && registry.sink("values") != nil)
  }
}
