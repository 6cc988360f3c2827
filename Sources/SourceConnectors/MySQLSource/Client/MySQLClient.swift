import CMySQL
import CMySQLShim
import Connector
import Model
import Platform

/// A connection to a MySQL or MariaDB server: the owner of one `MYSQL` handle.
///
/// It belongs to one thread at a time (the library's rule), so it is not `Sendable`; only its `Interrupter` may be used
/// by other threads. `close` frees the handle; deinit is the net below it.
final class MySQLClient {
  private let handle: UnsafeMutablePointer<MYSQL>
  private var isClosed = false
  private var interrupter: Interrupter
  private let settings: ConnectionSettings
  /// The statement under way, in the eyes of `ServerWatch`.
  private var watched: ServerWatch.Token?
  /// The packets of the log, once they have been asked for.
  private var packets: OpaquePointer?

  /// The library must be initialised before the first thread uses it; a static is initialised once.
  private static let library: Int32 = mysql_server_init(0, nil, nil)

  /// Connects, repeats a failed attempt as often as the settings say, and prepares the session.
  /// - Parameter readTimeout: seconds after which a silent connection counts as broken.
  /// - Throws: `connection`, `permission`, `configuration`; `cancelled` after an interrupt.
  static func connect(
    _ settings: ConnectionSettings, interrupter: Interrupter, readTimeout: UInt32? = nil
  ) throws(ConnectorError) -> MySQLClient {
    try settings.checkFiles()
    let ownTimeout = settings.readTimeout.map { UInt32(clamping: max(1, ($0 + 999) / 1000)) }
    let readTimeout = readTimeout ?? ownTimeout ?? 3600
    var failures = 0
    while true {
      try interrupter.check()
      do {
        let client = try MySQLClient(settings, interrupter: interrupter, readTimeout: readTimeout)
        try client.prepareSession()
        return client
      } catch {
        failures += 1
        try interrupter.check()
        guard error.policy == .retry, failures <= settings.connectRetries else { throw error }
        try interrupter.pause(milliseconds: min(250 << Int64(min(failures, 5)), 5000))
      }
    }
  }

  private init(
    _ settings: ConnectionSettings, interrupter: Interrupter, readTimeout: UInt32
  ) throws(ConnectorError) {
    guard Self.library == 0 else { throw ConnectorError(.resource, "the MySQL client library cannot be initialised") }
    mysql_thread_init()
    guard let handle = mysql_init(nil) else { throw ConnectorError(.resource, "no memory for a connection") }
    Self.setOptions(handle, settings)
    guard Self.logIn(handle, settings) else {
      let fault = MySQLFault(handle)
      mysql_close(handle)
      throw fault.error("connecting to \(settings.host):\(settings.port) as \(settings.user)")
    }
    // The library goes on without encryption when the server offers none, unless it was told to look at names.
    if settings.tls != .disabled, settings.tls != .preferred, mysql_get_ssl_cipher(handle) == nil {
      mysql_close(handle)
      throw ConnectorError(
        .configuration, "\(settings.host):\(settings.port) offers no TLS, but ssl.mode is \(settings.tls.rawValue)",
        remedy: "set up TLS on the server, or set ssl.mode: preferred")
    }
    let descriptor = tg_mysql_duplicate_socket(handle)
    tg_socket_keep_alive(descriptor)
    interrupter.attach(descriptor)
    // The library reads plain connections with the one, encrypted ones with the other.
    tg_mysql_set_read_timeout(handle, Int32(clamping: Int64(readTimeout) * 1000))
    var seconds = readTimeout
    mysql_options(handle, MYSQL_OPT_READ_TIMEOUT, &seconds)
    self.handle = handle
    self.interrupter = interrupter
    self.settings = settings
  }

  deinit { close() }

  private static func logIn(_ handle: UnsafeMutablePointer<MYSQL>, _ settings: ConnectionSettings) -> Bool {
    mysql_real_connect(
      handle, settings.host, settings.user, settings.password, nil, settings.port, nil, UInt(CLIENT_MULTI_RESULTS))
      != nil
  }

  /// Whether the server says anything to a new connection, be it a refusal, within `connectTimeout`.
  static func answers(_ settings: ConnectionSettings) -> Bool {
    mysql_thread_init()
    guard library == 0, let handle = mysql_init(nil) else { return true }
    defer { mysql_close(handle) }
    setOptions(handle, settings)
    return logIn(handle, settings) || !MySQLFault(handle).isSilence
  }

  private static func setOptions(_ handle: UnsafeMutablePointer<MYSQL>, _ settings: ConnectionSettings) {
    func set(_ option: mysql_option, _ value: UInt32) {
      var value = value
      mysql_options(handle, option, &value)
    }
    func set(_ option: mysql_option, _ value: String?) {
      if let value { mysql_options(handle, option, value) }
    }
    let connectTimeout = UInt32(clamping: max(1, (settings.connectTimeout + 999) / 1000))
    set(MYSQL_OPT_CONNECT_TIMEOUT, connectTimeout)
    // For the login; afterwards it is another one.
    set(MYSQL_OPT_READ_TIMEOUT, connectTimeout)
    set(MYSQL_OPT_WRITE_TIMEOUT, 60)
    // Rows are limited by the server's max_allowed_packet; the library's own limit must not be lower.
    var packet = UInt(1) << 30
    mysql_options(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet)
    // TCP always: without this the library would take a Unix socket for "localhost".
    set(MYSQL_OPT_PROTOCOL, UInt32(MYSQL_PROTOCOL_TCP.rawValue))
    set(MYSQL_SET_CHARSET_NAME, "utf8mb4")
    tg_mysql_add_attribute(handle, "program_name", "tidegate")
    setTLS(handle, settings)
  }

  private static func setTLS(_ handle: UnsafeMutablePointer<MYSQL>, _ settings: ConnectionSettings) {
    func set(_ option: mysql_option, _ value: String?) {
      if let value { mysql_options(handle, option, value) }
    }
    let isDemanded = settings.tls != .disabled && settings.tls != .preferred
    // Whoever pretends that the server has no TLS must not get the password: a key that cannot be read ends a login
    // that would need one, and only methods that do not send the password as it is are let in. Where the server's name
    // is verified the library refuses by itself.
    if !(settings.allowsKeyRetrieval ?? !isDemanded) { set(MYSQL_SERVER_PUBLIC_KEY, "/dev/null") }
    if isDemanded, settings.tls != .verifyIdentity {
      set(MARIADB_OPT_RESTRICTED_AUTH, "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519")
    }
    guard settings.tls != .disabled else { return }
    var yes: my_bool = 1
    mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &yes)
    set(MARIADB_OPT_TLS_VERSION, settings.tlsVersions)
    set(MYSQL_OPT_SSL_CERT, settings.tlsCertificate)
    set(MYSQL_OPT_SSL_KEY, settings.tlsKey)
    // With an authority the library verifies the chain; the name is looked at only when that is asked for as well.
    if settings.tls.verifies { set(MYSQL_OPT_SSL_CA, settings.tlsAuthority ?? ConnectionSettings.systemAuthorities) }
    var verify: my_bool = settings.tls == .verifyIdentity ? 1 : 0
    mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify)
  }

  private func prepareSession() throws(ConnectorError) {
    let server = ServerRelease(isMariaDB: isMariaDB, version: serverVersion)
    for statement in server.sessionStatements { try execute(statement) }
  }

  /// From now on this interrupter, and no longer the one before, breaks off what the connection waits for.
  func attach(_ interrupter: Interrupter) {
    self.interrupter.detach()
    self.interrupter = interrupter
    if !isClosed { interrupter.attach(tg_mysql_duplicate_socket(handle)) }
  }

  /// Gives the connection up. Callable more than once.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    endStatement()
    interrupter.detach()
    tg_packets_free(packets)
    packets = nil
    mysql_close(handle)
  }

  /// The server's version as it calls itself: `10.11.19-MariaDB-log`, `9.1.0`.
  var serverVersion: String { mysql_get_server_info(handle).map { String(cString: $0) } ?? "" }

  /// Whether the server is a MariaDB.
  var isMariaDB: Bool { serverVersion.lowercased().contains("mariadb") }

  /// The connection's number at the server, for KILL.
  var threadID: UInt { mysql_thread_id(handle) }

  /// The last call's error; `cancelled` when it was this product that broke the connection.
  func failure(_ doing: String, table: TableID? = nil) -> ConnectorError {
    if interrupter.isInterrupted { return ConnectorError(.cancelled, "\(doing): interrupted", table: table) }
    if let loss = interrupter.loss {
      return ConnectorError(
        .connection, "\(doing): \(loss)", table: table, remedy: "look at the server; what was read is read again")
    }
    return MySQLFault(handle).error(doing, table: table)
  }

  /// Behind the last byte of a statement's answer, or where nobody waits for it any more.
  fileprivate func endStatement() {
    guard let token = watched else { return }
    watched = nil
    ServerWatch.shared.end(token)
  }

  private func send(_ sql: String, table: TableID?) throws(ConnectorError) {
    if isClosed { throw ConnectorError(.connection, "the connection is closed", table: table) }
    endStatement()
    watched = ServerWatch.shared.begin(interrupter, settings)
    var text = sql
    let status = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { mysql_real_query(handle, $0.baseAddress, UInt($0.count)) }
    }
    guard status == 0 else {
      endStatement()
      throw failure(Self.summary(sql), table: table)
    }
  }

  /// A statement's beginning, for messages. Statements carry no secrets; key values are cut off with the rest.
  private static func summary(_ sql: String) -> String {
    sql.count <= 80 ? sql : sql.prefix(77) + "…"
  }

  /// Runs a statement and drops what it returns.
  func execute(_ sql: String, table: TableID? = nil) throws(ConnectorError) {
    _ = try query(sql, table: table)
  }

  /// Runs a statement and returns all its rows as text; for small results.
  func query(_ sql: String, table: TableID? = nil) throws(ConnectorError) -> [[String?]] {
    try send(sql, table: table)
    defer { endStatement() }
    guard let result = mysql_store_result(handle) else {
      guard mysql_errno(handle) == 0 else { throw failure(Self.summary(sql), table: table) }
      return []
    }
    defer { mysql_free_result(result) }
    let width = Int(mysql_num_fields(result))
    var rows: [[String?]] = []
    while let row = mysql_fetch_row(result), let lengths = mysql_fetch_lengths(result) {
      rows.append(
        (0..<width).map { column in
          row[column].map {
            String(decoding: UnsafeRawBufferPointer(start: $0, count: Int(lengths[column])), as: UTF8.self)
          }
        })
    }
    return rows
  }

  /// Names of the columns and the rows, for statements whose columns differ between servers.
  func namedRow(_ sql: String) throws(ConnectorError) -> [String: String]? {
    try send(sql, table: nil)
    defer { endStatement() }
    guard let result = mysql_store_result(handle) else {
      guard mysql_errno(handle) == 0 else { throw failure(Self.summary(sql)) }
      return nil
    }
    defer { mysql_free_result(result) }
    guard let row = mysql_fetch_row(result), let fields = mysql_fetch_fields(result) else { return nil }
    var values: [String: String] = [:]
    for column in 0..<Int(mysql_num_fields(result)) {
      guard let name = fields[column].name, let value = row[column] else { continue }
      values[String(cString: name)] = String(cString: value)
    }
    return values
  }

  /// The first column of the first row; nil when there is none or it is NULL.
  func scalar(_ sql: String) throws(ConnectorError) -> String? {
    try query(sql).first?.first ?? nil
  }

  /// Runs a SELECT whose rows are fetched one by one. Nothing else may run on this connection before it has ended.
  func stream(_ sql: String, table: TableID?) throws(ConnectorError) -> MySQLStream {
    try send(sql, table: table)
    guard let result = mysql_use_result(handle) else {
      endStatement()
      throw failure(Self.summary(sql), table: table)
    }
    return try MySQLStream(result: result, client: self)
  }

  /// The packets that come from here on.
  fileprivate func openPackets() throws(ConnectorError) -> OpaquePointer {
    guard let packets = tg_packets_create(handle) else {
      throw ConnectorError(.resource, "no memory for a connection's buffer")
    }
    return packets
  }

  /// The library is to forget the rows that are under way, as the connection is given up.
  fileprivate func abandonRows() {
    interrupter.sever()
    tg_mysql_abandon_rows(handle)
  }

  /// Whether the handle reports no error.
  fileprivate var isFine: Bool { mysql_errno(handle) == 0 }

  // MARK: Replication commands

  /// Sends a command that the server answers with a stream of packets.
  func sendCommand(_ command: UInt8, _ payload: [UInt8]) throws(ConnectorError) {
    if isClosed { throw ConnectorError(.connection, "the connection is closed") }
    let status = payload.withUnsafeBytes { tg_mysql_send_command(handle, command, $0.baseAddress, $0.count) }
    guard status == 0 else { throw failure("asking for the binary log") }
    packets = try openPackets()
  }

  /// Reads one packet behind a command. The bytes are valid until the next call on this connection.
  func readPacket() throws(ConnectorError) -> UnsafeRawBufferPointer {
    var data: UnsafePointer<UInt8>?
    guard let packets else { throw ConnectorError(.bug, "packets are read before a command was sent") }
    let length = tg_packets_next(packets, &data)
    guard length != Int(bitPattern: UInt.max), let data else { throw failure("reading the binary log") }
    return UnsafeRawBufferPointer(start: data, count: length)
  }

  /// Whether a packet's first bytes are in this process already.
  var hasBuffered: Bool { packets.map { tg_packets_buffered($0) > 0 } ?? false }

  /// Whether a packet's first bytes are here, or arrive within `milliseconds`. A broken connection counts as arrived.
  func waitReadable(milliseconds: Int64) -> Bool {
    if hasBuffered { return true }
    return tg_mysql_wait_readable(handle, Int32(clamping: max(0, milliseconds))) != 0
  }
}

/// The rows of a SELECT as they arrive.
final class MySQLStream {
  /// A row's values, nil for NULL.
  typealias Values = UnsafeMutablePointer<UnsafePointer<CChar>?>
  /// A row's values and their lengths in bytes.
  typealias Row = (values: Values, lengths: UnsafeMutablePointer<UInt>)

  private let result: UnsafeMutablePointer<MYSQL_RES>
  private let client: MySQLClient
  private let packets: OpaquePointer
  /// The library reads rows of an encrypted connection.
  private let isForeign: Bool
  private let values: Values
  private let lengths: UnsafeMutablePointer<UInt>
  private var isOpen = true
  private var isAtEnd = false
  /// The number of columns.
  let width: Int

  fileprivate init(result: UnsafeMutablePointer<MYSQL_RES>, client: MySQLClient) throws(ConnectorError) {
    self.result = result
    self.client = client
    width = Int(mysql_num_fields(result))
    do {
      packets = try client.openPackets()
    } catch {
      client.abandonRows()
      mysql_free_result(result)
      throw error
    }
    isForeign = tg_packets_is_foreign(packets)
    values = .allocate(capacity: width)
    lengths = .allocate(capacity: width)
  }

  deinit {
    close()
    values.deallocate()
    lengths.deallocate()
  }

  /// The next row, valid until the next call; nil at the end.
  @inline(__always)
  func next(_ doing: @autoclosure () -> String, table: TableID) throws(ConnectorError) -> Row? {
    if isForeign { return try nextOfLibrary(doing, table: table) }
    switch tg_packets_next_row(packets, UInt32(truncatingIfNeeded: width), values, lengths) {
    case 1: return (values, lengths)
    case 0:
      isAtEnd = true
      return nil
    default: throw client.failure(doing(), table: table)
    }
  }

  private func nextOfLibrary(_ doing: () -> String, table: TableID) throws(ConnectorError) -> Row? {
    guard let row = mysql_fetch_row(result), let sizes = mysql_fetch_lengths(result) else {
      guard client.isFine else { throw client.failure(doing(), table: table) }
      isAtEnd = true
      return nil
    }
    for column in 0..<width {
      values[column] = row[column].map { UnsafePointer($0) }
      lengths[column] = sizes[column]
    }
    return (values, lengths)
  }

  /// Frees the result. If rows are left, the connection is given up. Callable more than once.
  func close() {
    guard isOpen else { return }
    isOpen = false
    client.endStatement()
    if !isAtEnd { client.abandonRows() }
    tg_packets_free(packets)
    mysql_free_result(result)
  }
}
