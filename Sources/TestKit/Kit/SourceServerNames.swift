/// The server fixture's name from when there was one kind of server.
public typealias MariaDBServer = SourceServer
/// The connection's name from when there was one kind of server.
public typealias MariaDBConnection = SourceConnection
/// The error's name from when there was one kind of server.
public typealias MariaDBTestError = SourceServerError

extension SourceServer {
  /// A MariaDB with more arguments on its command line.
  public convenience init(arguments: [String]) throws {
    try self.init(.mariaDB, settings: arguments.map { .argument($0) })
  }
}
