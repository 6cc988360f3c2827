import Glibc
import Platform

/// The servers that tests of the MySQL source run on.
public enum ServerKind: String, CaseIterable, Sendable, CustomStringConvertible {
  /// Debian's MariaDB.
  case mariaDB = "MariaDB"
  /// MySQL 9, in a folder of its own (`cluster/mysql-server`).
  case mySQL = "MySQL"

  /// The server's name.
  public var description: String { rawValue }

  /// Why no server of the kind can be started here; nil when one can.
  public var unavailable: String? {
    switch self {
    case .mariaDB: nil
    case .mySQL: MySQLFolder.problem
    }
  }

  /// Whether servers of the kind can be started here.
  public var isAvailable: Bool { unavailable == nil }
}

/// How a test's server differs from the usual one.
public enum ServerSetting: Sendable, Hashable {
  /// No GTIDs. MariaDB always has them.
  case withoutGTIDs
  /// Table maps with names, signs, character sets and keys.
  case fullMetadata
  /// Compressed transactions (MySQL), compressed events (MariaDB).
  case compressedLog
  /// Nothing acknowledged is lost when the server is killed.
  case durable
  /// The log shows a transaction a good while before a query does (MySQL alone can be made so).
  case lateCommits(milliseconds: Int)
  /// One more argument of the server's command line.
  case argument(String)

  /// The command line's arguments.
  func arguments(_ kind: ServerKind) -> [String] {
    switch (self, kind) {
    case (.withoutGTIDs, .mySQL): ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]
    case (.withoutGTIDs, .mariaDB): []
    case (.fullMetadata, _): ["--binlog-row-metadata=FULL"]
    case (.compressedLog, .mySQL): ["--binlog-transaction-compression=ON"]
    case (.compressedLog, .mariaDB): ["--log-bin-compress=ON", "--log-bin-compress-min-len=10"]
    case (.durable, _): ["--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1"]
    case (.lateCommits(let delay), .mySQL):
      ["--sync-binlog=0", "--binlog-group-commit-sync-delay=\(delay * 1000)"]
    case (.lateCommits, .mariaDB): []
    case (.argument(let text), _): [text]
    }
  }
}

/// The folder that `cluster/mysql-server` has set up.
enum MySQLFolder {
  /// Where it is, or would be.
  static let path: String = {
    func value(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    if let given = value("TIDEGATE_MYSQL_SERVER_DIR") { return given }
    let cache = value("XDG_CACHE_HOME") ?? "\(value("HOME") ?? "/tmp")/.cache"
    return "\(cache)/tidegate/mysql-server"
  }()

  /// Why it cannot be used; nil when it can. The test command says in the environment why it could not be set up.
  static let problem: String? = {
    if access("\(path)/mysqld", X_OK) == 0 { return nil }
    if let reason = getenv("TIDEGATE_MYSQL_SERVER_MISSING").map({ String(cString: $0) }), !reason.isEmpty {
      return reason
    }
    return "no MySQL in \(path): cluster/mysql-server sets it up"
  }()
}

extension ServerKind {
  /// Makes a data directory in `directory`, with an account that has every privilege.
  func prepare(_ directory: String) throws {
    switch self {
    case .mariaDB:
      try ProcessTools.run([
        ProcessTools.find("mariadb-install-db"), "--no-defaults", "--force", "--user=root",
        "--datadir=\(directory)/data", "--tmpdir=\(directory)/tmp", "--auth-root-authentication-method=normal",
        "--skip-test-db", "--skip-name-resolve",
      ])
    case .mySQL:
      if let problem = unavailable { throw SourceServerError(problem) }
      try ProcessTools.run([
        ProcessTools.find("cp"), "-R", "--preserve=mode", "\(MySQLFolder.path)/data", "\(directory)/data",
      ])
    }
    let account = SourceServer.account
    try ProcessTools.write(
      """
      CREATE USER IF NOT EXISTS '\(account)'@'%' IDENTIFIED BY '\(account)';
      GRANT ALL PRIVILEGES ON *.* TO '\(account)'@'%' WITH GRANT OPTION;

      """, to: "\(directory)/init.sql")
  }

  /// The command that starts a server on a prepared directory; it ends with the thread that has started it.
  func command(_ directory: String, port: Int) -> [String] {
    let setpriv = [ProcessTools.find("setpriv"), "--pdeathsig", "KILL"]
    let common = [
      "--user=root", "--datadir=\(directory)/data", "--socket=\(directory)/socket", "--port=\(port)",
      "--pid-file=\(directory)/pid", "--bind-address=127.0.0.1", "--skip-name-resolve", "--server-id=1",
      "--init-file=\(directory)/init.sql", "--tmpdir=\(directory)/tmp", "--log-bin=binlog", "--binlog-format=ROW",
      "--binlog-row-image=FULL", "--sync-binlog=0", "--innodb-flush-log-at-trx-commit=0",
      "--innodb-buffer-pool-size=64M", "--max-allowed-packet=256M", "--character-set-server=utf8mb4",
      "--max-connections=500", "--performance-schema=OFF",
    ]
    switch self {
    case .mariaDB:
      return setpriv + [ProcessTools.find("mariadbd"), "--no-defaults"] + common + ["--innodb-log-file-size=32M"]
    case .mySQL:
      return setpriv + ["\(MySQLFolder.path)/mysqld"] + common + [
        "--mysqlx=OFF", "--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--secure-file-priv=NULL",
        "--innodb-redo-log-capacity=32M", "--innodb-use-native-aio=OFF", "--innodb-doublewrite=OFF",
        "--innodb-flush-method=nosync",
      ]
    }
  }
}
