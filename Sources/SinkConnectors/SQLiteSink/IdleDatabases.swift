import Connector
import Platform

/// Connections between two attempts, for a few seconds. Opening one means to read the schema of the whole file, which
/// takes longer than to write a small table when there are thousands of them. SQLite's handles may go from thread to
/// thread.
enum IdleDatabases {
  private static let pool = IdlePool<SQLiteSettings, SQLiteDatabase>(
    name: "sqlite-idle", lifetime: 2000, limit: 16
  ) { $0.close() }

  /// A connection that another attempt has left, or a new one.
  /// - Throws: when a new one cannot be opened.
  static func take(_ settings: SQLiteSettings) throws(ConnectorError) -> SQLiteDatabase {
    guard let database = pool.take(settings) else { return try SQLiteDatabase(settings) }
    guard database.isOfFile else {
      database.close()
      return try SQLiteDatabase(settings)
    }
    database.changeOwner()
    return database
  }

  /// Leaves a connection to the next attempt, if it is fit for one.
  static func put(_ database: SQLiteDatabase) {
    guard database.isReusable else { return database.close() }
    pool.put(database, database.settings)
  }
}
