import Connector
import TestKit
import Testing

@testable import MySQLSource

/// Options of Flink CDC that concern a JVM's libraries, and statements by server version.
@Suite struct ClientOptionTests {
  static func settings(_ extra: [String: String]) throws -> MySQLSourceSettings {
    let base = ["hostname": "h", "username": "u", "password": "p", "tables": "a.b"]
    let options = Options(base.merging(extra) { $1 }, specs: MySQLSourceFactory.options)
    return try MySQLSourceSettings(options, context: ConnectorContext(pipeline: "p"))
  }

  @Test func everyOptionOfTheReferenceIsKnown() {
    let names = [
      "hostname", "port", "username", "password", "tables", "tables.exclude", "schema-change.enabled", "server-id",
      "server-time-zone", "scan.incremental.snapshot.chunk.size", "scan.incremental.snapshot.chunk.key-column",
      "scan.snapshot.fetch.size", "scan.startup.mode", "scan.startup.specific-offset.file",
      "scan.startup.specific-offset.pos", "scan.startup.specific-offset.gtid-set",
      "scan.startup.specific-offset.skip-events", "scan.startup.specific-offset.skip-rows",
      "scan.startup.timestamp-millis", "connect.timeout", "connect.max-retries", "connection.pool.size",
      "jdbc.properties.", "heartbeat.interval", "debezium.", "scan.incremental.close-idle-reader.enabled",
      "scan.newly-added-table.enabled", "scan.binlog.newly-added-table.enabled",
      "scan.parse.online.schema.changes.enabled", "include-comments.enabled", "treat-tinyint1-as-boolean.enabled",
      "use.legacy.json.format", "scan.incremental.snapshot.unbounded-chunk-first.enabled",
      "scan.incremental.snapshot.backfill.skip", "metadata.list", "chunk-meta.group.size",
      "chunk-key.even-distribution.factor.upper-bound", "chunk-key.even-distribution.factor.lower-bound",
      "split-key.even-distribution.factor.upper-bound", "split-key.even-distribution.factor.lower-bound",
    ]
    let known = Dictionary(uniqueKeysWithValues: MySQLSourceFactory.options.map { ($0.key, $0) })
    for name in names { #expect(known[name] != nil, "\(name)") }
  }

  @Test func tlsComesFromThePlainOptionsOrTheLibrariesOnes() throws {
    #expect(try Self.settings([:]).connection.tls == .preferred)
    let modes: [([String: String], ConnectionSettings.TLSMode)] = [
      (["jdbc.properties.useSSL": "false"], .disabled), (["jdbc.properties.useSSL": "true"], .preferred),
      (["jdbc.properties.useSSL": "true", "jdbc.properties.requireSSL": "true"], .required),
      (["jdbc.properties.verifyServerCertificate": "true"], .verifyCA),
      (["jdbc.properties.sslMode": "VERIFY_IDENTITY", "jdbc.properties.useSSL": "false"], .verifyIdentity),
      (["debezium.database.ssl.mode": "verify_ca"], .verifyCA), (["ssl.mode": "Required"], .required),
      (["ssl.mode": "disabled", "jdbc.properties.sslMode": "REQUIRED"], .disabled),
    ]
    for (options, mode) in modes {
      let settings = try Self.settings(options)
      #expect(settings.connection.tls == mode, "\(options)")
      #expect(settings.warnings == [], "\(options)")
    }
    let files = try Self.settings([
      "jdbc.properties.sslMode": "VERIFY_CA", "jdbc.properties.trustCertificateKeyStoreUrl": "file:///etc/ca.pem",
      "jdbc.properties.clientCertificateKeyStoreUrl": "file:/etc/both", "jdbc.properties.tlsVersions": "TLSv1.3",
      "jdbc.properties.clientCertificateKeyStoreType": "PEM",
    ])
    #expect(files.connection.tlsAuthority == "/etc/ca.pem" && files.connection.tlsVersions == "TLSv1.3")
    #expect(files.connection.tlsCertificate == "/etc/both" && files.connection.tlsKey == "/etc/both")
  }

  @Test func aKeystoreIsRefusedWithWhatToUse() throws {
    let store = [
      "jdbc.properties.trustCertificateKeyStoreUrl": "file:///etc/trust.jks",
      "jdbc.properties.trustCertificateKeyStorePassword": "changeit", "ssl.mode": "verify-ca",
    ]
    let error = #expect(throws: ConnectorError.self) { _ = try Self.settings(store) }
    #expect(error?.kind == .configuration && error?.remedy?.contains("ssl.ca") == true)
    #expect(error?.description.contains("changeit") == false)
    let replaced = try Self.settings(store.merging(["ssl.ca": "/etc/ca.pem"]) { $1 })
    #expect(replaced.connection.tlsAuthority == "/etc/ca.pem" && replaced.warnings.count == 1)
    let half = #expect(throws: ConnectorError.self) { _ = try Self.settings(["ssl.cert": "/etc/c.pem"]) }
    #expect(half?.message.contains("ssl.key") == true)
  }

  @Test func everyPropertyIsUsedOrWarnedOf() throws {
    let settings = try Self.settings([
      "jdbc.properties.connectTimeout": "1500", "jdbc.properties.socketTimeout": "60000",
      "jdbc.properties.allowPublicKeyRetrieval": "true", "jdbc.properties.zeroDateTimeBehavior": "CONVERT_TO_NULL",
      "jdbc.properties.someThing": "secret-value", "debezium.decimal.handling.mode": "string",
      "debezium.skipped.operations": "d, t", "debezium.include.schema.comments": "true",
      "debezium.event.processing.failure.handling.mode": "warn", "debezium.snapshot.locking.mode": "minimal",
      "debezium.inconsistent.schema.handling.mode": "fail", "debezium.other.thing": "secret-value",
      "scan.startup.timestamp-millis": "5", "metadata.list": "op_ts",
    ])
    #expect(settings.connection.connectTimeout == 1500 && settings.connection.readTimeout == 60_000)
    #expect(settings.connection.allowsKeyRetrieval == true && settings.includesComments)
    #expect(settings.skippedOperations == [.deletes, .truncates])
    for name in [
      "zeroDateTimeBehavior", "someThing", "decimal.handling.mode", "event.processing.failure.handling.mode",
      "snapshot.locking.mode", "other.thing", "scan.startup.timestamp-millis", "op_ts",
    ] {
      #expect(settings.warnings.count { $0.contains(name) } == 1, "\(name)")
    }
    #expect(settings.warnings.count == 8)
    #expect(!settings.warnings.contains { $0.contains("secret-value") })
    for wrong in [
      ["jdbc.properties.sslMode": "MAYBE"], ["jdbc.properties.useSSL": "perhaps"], ["metadata.list": "op_ts,table"],
      ["debezium.skipped.operations": "x"], ["jdbc.properties.socketTimeout": "soon"],
      ["scan.startup.mode": "timestamp"],
    ] {
      let error = #expect(throws: ConnectorError.self) { _ = try Self.settings(wrong) }
      #expect(error?.kind == .configuration, "\(wrong)")
    }
  }

  @Test func statementsFollowTheServersVersion() {
    func release(_ version: String) -> ServerRelease {
      ServerRelease(isMariaDB: version.lowercased().contains("mariadb"), version: version)
    }
    let old = "SHOW MASTER STATUS"
    let new = "SHOW BINARY LOG STATUS"
    for (version, status, replica, hasLimit) in [
      ("5.6.51-log", old, "SHOW SLAVE STATUS", false), ("5.7.44", old, "SHOW SLAVE STATUS", true),
      ("5.7.12-aurora", old, "SHOW SLAVE STATUS", true), ("8.0.21", old, "SHOW SLAVE STATUS", true),
      ("8.0.36-28.1", old, "SHOW REPLICA STATUS", true), ("8.0.mysql_aurora.3.04.0", old, "SHOW SLAVE STATUS", true),
      ("8.4.0", new, "SHOW REPLICA STATUS", true), ("9.7.1", new, "SHOW REPLICA STATUS", true),
      ("5.5.5-10.3.39-MariaDB", old, "SHOW SLAVE STATUS", false),
      ("10.11.19-MariaDB-log", old, "SHOW REPLICA STATUS", false),
      ("5.6.29-PXC-5.4.16", old, "SHOW SLAVE STATUS", false),
    ] {
      let release = release(version)
      #expect(release.isReadable, "\(version)")
      #expect(release.logStatus.first == status && release.logStatus.count == 2, "\(version)")
      #expect(release.replicaStatus.first == replica && release.replicaStatus.count == 2, "\(version)")
      let session = release.sessionStatements.joined(separator: "; ")
      #expect(session.contains("max_execution_time") == hasLimit, "\(version)")
      #expect(session.contains("max_statement_time") == release.isMariaDB, "\(version)")
      // Nothing that needs more than the documented privileges, or is named otherwise in an old server.
      for word in ["SUPER", "GLOBAL", "performance_schema", "transaction_isolation"] {
        #expect(!session.contains(word), "\(version)")
      }
    }
    #expect(!release("5.5.62").isReadable && !release("10.1.48-MariaDB").isReadable)
  }

  @Test func aClashOfServerIDsTakesTheNextOneAndEnds() throws {
    let clash = MySQLFault(
      code: 1236, text: "A slave with the same server_uuid/server_id as this slave has connected to the master"
    ).error("reading")
    #expect(clash.kind == .connection)
    let mariaDB = MySQLFault(
      code: 4052, text: "A slave with the same server_uuid/server_id is already connected; the first event 'b.1' at 4"
    ).error("reading")
    #expect(MySQLFault.isIdentityClash(mariaDB) && mariaDB.remedy?.contains("server-id") == true)
    var identity = ClientIdentity([5401, 5403])
    #expect(try !identity.note(ConnectorError(.connection, "lost"), now: 0) && identity.current == 5401)
    #expect(try identity.note(clash, now: 0) && identity.current == 5403)
    #expect(try identity.note(clash, now: 10) && identity.current == 5401)
    // Rare clashes are forgiven.
    for minute in 1..<20 { #expect(try identity.note(clash, now: Int64(minute) * 61_000)) }
    var error: ConnectorError?
    for millisecond in 0..<10 where error == nil {
      do { try identity.note(clash, now: 5_000_000 + Int64(millisecond)) } catch let thrown { error = thrown }
    }
    #expect(error?.kind == .configuration && error?.remedy?.contains("server-id") == true)
    #expect(error?.message.contains("5401, 5403") == true)
  }
}
