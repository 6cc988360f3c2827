import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Migrations by gh-ost and pt-online-schema-change, statement by statement as these tools write them, with a new reader
/// after every one.
@Suite struct TailSchemaMigrationTests {
  private static let follows = ["scan.parse.online.schema.changes.enabled": "true"]
  private static let table =
    "CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT, name VARCHAR(20) CHARACTER SET latin1, n INT, PRIMARY KEY (id))"

  private func log(
    _ kind: ServerKind, _ options: [String: String] = follows, restarts: Bool, _ statements: [String]
  ) throws -> [String] {
    let fixture = try SourceFixture("migration", on: kind, Self.table)
    let follower = try SchemaFollower(try fixture.connector(options), fixture, "t")
    try fixture.execute("INSERT INTO t VALUES (1, 'é', 1)")
    for statement in statements {
      try fixture.execute(statement.replacing("DB.", with: "`\(fixture.database)`."))
      if restarts { try follower.follow() }
    }
    try follower.follow()
    let found = try follower.connector.discover(fixture.table("t")).schema
    let followed = try #require(follower.schema(fixture.table("t")))
    #expect(SchemaComparison.difference(registry: followed, server: found) == nil)
    return follower.log
  }

  private static let ghost = [
    "drop /* gh-ost */ table if exists DB.`_t_gho`", "drop /* gh-ost */ table if exists DB.`_t_del`",
    """
    create /* gh-ost */ table DB.`_t_ghc` (
      id bigint unsigned auto_increment, last_update timestamp not null DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
      hint varchar(64) charset ascii not null, value varchar(4096) charset ascii not null, primary key(id),
      unique key hint_uidx(hint)) auto_increment=256
    """,
    "create /* gh-ost */ table DB.`_t_gho` like DB.`t`",
    "alter /* gh-ost */ table DB.`_t_gho` ADD COLUMN added INT NOT NULL DEFAULT 7, DROP COLUMN n",
    "insert /* gh-ost DB.`t` */ into DB.`_t_ghc` (hint, value) values ('state', 'x')",
    "insert /* gh-ost DB.`t` */ ignore into DB.`_t_gho` (`id`, `name`) (select `id`, `name` from DB.`t`)",
    "INSERT INTO t VALUES (2, 'b', 2)",
    "replace /* gh-ost DB.`_t_gho` */ into DB.`_t_gho` (`id`, `name`) values (2, 'b')",
    "create /* gh-ost */ table DB.`_t_del` (id int auto_increment primary key) engine=InnoDB comment='ghost-cut-over-sentry'",
    "drop /* gh-ost */ table if exists DB.`_t_del`",
    "rename /* gh-ost */ table DB.`t` to DB.`_t_del`, DB.`_t_gho` to DB.`t`",
    "INSERT INTO t VALUES (3, 'c', 30)", "drop /* gh-ost */ table if exists DB.`_t_ghc`",
    "drop /* gh-ost */ table if exists DB.`_t_del`", "UPDATE t SET added = 8 WHERE id = 1",
  ]

  private static let ghostLog = [
    "t insert(1, é, 1)", "t insert(2, b, 2)", "t: drop.column add.column -> id*,name,added", "t insert(3, c, 30)",
    "t updateBefore(1, é, 7)", "t updateAfter(1, é, 8)",
  ]

  @Test(arguments: SourceServer.available, [false, true]) func ghOst(on kind: ServerKind, restarts: Bool) throws {
    #expect(try log(kind, restarts: restarts, Self.ghost) == Self.ghostLog)
  }

  /// The other kind of cut-over: for a moment there is no table.
  @Test(arguments: SourceServer.available, [false, true]) func ghOstInTwoSteps(on kind: ServerKind, restarts: Bool)
    throws
  {
    let steps = Self.ghost.flatMap { statement in
      statement.hasPrefix("rename")
        ? [
          "alter /* gh-ost */ table DB.`t` rename `_t_del`", "alter /* gh-ost */ table DB.`_t_gho` rename `t`",
        ] : [statement]
    }
    #expect(try log(kind, restarts: restarts, steps) == Self.ghostLog)
  }

  private static let toolkit = [
    """
    CREATE TABLE DB.`_t_new` (
      `id` int NOT NULL AUTO_INCREMENT,
      `name` varchar(20) CHARACTER SET latin1 DEFAULT NULL,
      `n` int DEFAULT NULL,
      PRIMARY KEY (`id`)
    ) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4
    """,
    "ALTER TABLE DB.`_t_new` CHANGE n renamed BIGINT, DROP PRIMARY KEY, ADD PRIMARY KEY (id, name)",
    "CREATE TRIGGER pt_osc_del AFTER DELETE ON DB.`t` FOR EACH ROW DELETE IGNORE FROM DB.`_t_new` WHERE `id` <=> OLD.`id`",
    "INSERT LOW_PRIORITY IGNORE INTO DB.`_t_new` (`id`, `name`, `renamed`) SELECT `id`, `name`, `n` FROM DB.`t`",
    "UPDATE t SET n = 5", "UPDATE DB.`_t_new` SET renamed = 5",
    "RENAME TABLE DB.`t` TO DB.`_t_old`, DB.`_t_new` TO DB.`t`", "DROP TABLE IF EXISTS DB.`_t_old`",
    "INSERT INTO t VALUES (9, 'x', 99)",
  ]

  @Test(arguments: SourceServer.available, [false, true]) func ptOnlineSchemaChange(
    on kind: ServerKind, restarts: Bool
  ) throws {
    #expect(
      try log(kind, restarts: restarts, Self.toolkit) == [
        "t insert(1, é, 1)", "t updateBefore(1, é, 1)", "t updateAfter(1, é, 5)",
        "t: alter.column.type key(id,name) rename.column -> id*,name*,renamed", "t insert(9, x, 99)",
      ])
  }

  /// Two migrations one after the other, and one that is given up.
  @Test(arguments: [false, true]) func severalMigrations(restarts: Bool) throws {
    let second = [
      "create /* gh-ost */ table DB.`_t_gho` like DB.`t`", "alter /* gh-ost */ table DB.`_t_gho` add z INT",
      "drop /* gh-ost */ table if exists DB.`_t_gho`", "create /* gh-ost */ table DB.`_t_gho` like DB.`t`",
      "alter /* gh-ost */ table DB.`_t_gho` add y INT DEFAULT 3",
      "insert into DB.`_t_gho` (id, name, added) select id, name, added from DB.`t`",
      "rename /* gh-ost */ table DB.`t` to DB.`_t_del`, DB.`_t_gho` to DB.`t`", "INSERT INTO t VALUES (5, 'e', 5, 5)",
    ]
    #expect(
      try log(.mariaDB, restarts: restarts, Self.ghost + second) == Self.ghostLog + [
        "t: add.column -> id*,name,added,y", "t insert(5, e, 5, 5)",
      ])
  }

  /// A copy that was made of another form of the table, or whose values are computed, tells nothing of the rows.
  @Test(arguments: [false, true]) func migrationsAfterWhichTheTableIsReadAnew(restarts: Bool) throws {
    let make = "create /* gh-ost */ table DB.`_t_gho` like DB.`t`"
    let swap = "rename /* gh-ost */ table DB.`t` to DB.`_t_del`, DB.`_t_gho` to DB.`t`"
    #expect(
      try log(.mariaDB, restarts: restarts, [make, "alter table t add q int", swap]) == [
        "t insert(1, é, 1)", "t: add.column -> id*,name,n,q", "t: replace.table -> id*,name,n",
      ])
    #expect(
      try log(.mariaDB, restarts: restarts, [make, "alter table DB.`_t_gho` add at datetime default now()", swap]) == [
        "t insert(1, é, 1)", "t: replace.table -> id*,name,n,at",
      ])
  }

  /// Without the option, and for tables of other names, a swap brings rows that no event tells.
  @Test(arguments: SourceServer.available) func withoutTheOption(on kind: ServerKind) throws {
    let log = try log(kind, ["scan.parse.online.schema.changes.enabled": "false"], restarts: false, Self.ghost)
    #expect(log.filter { $0.hasPrefix("t:") } == ["t: replace.table -> id*,name,added"])
    let swap = ["CREATE TABLE DB.fresh LIKE DB.t", "RENAME TABLE DB.t TO DB.archive, DB.fresh TO DB.t"]
    // The table that was captured goes on under a name that is captured as well.
    #expect(
      try self.log(kind, restarts: false, swap).suffix(2) == [
        "t: replace.table -> id*,name,n", "archive: replace.table -> id*,name,n",
      ])
  }
}
