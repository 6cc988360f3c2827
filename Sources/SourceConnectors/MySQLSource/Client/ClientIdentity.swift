import Connector
import Platform

/// The server id under which a reader of the log presents itself. The server ends the older of two readers with one id,
/// so a reader that is ended for that reason takes the next id that it may use, and gives up when all are taken.
struct ClientIdentity {
  private let candidates: [UInt32]
  private var index = 0
  private var clashes: [Int64] = []

  /// Within this time so many clashes are an accident: a reader that was given up may not have noticed yet.
  private static let window: Int64 = 120_000
  private static let tolerated = 3

  /// - Parameter candidates: ids in order of preference.
  init(_ candidates: [UInt32]) { self.candidates = candidates }

  /// The id to present.
  var current: UInt32 { candidates.isEmpty ? 0 : candidates[index % candidates.count] }

  /// Takes note of a failure; true when it was a clash, and another attempt makes sense.
  /// - Throws: `configuration` when clashes go on.
  @discardableResult
  mutating func note(
    _ error: ConnectorError, now: Int64 = Clock.monotonicMilliseconds()
  ) throws(ConnectorError) -> Bool {
    guard MySQLFault.isIdentityClash(error) else { return false }
    clashes = clashes.filter { now - $0 < Self.window } + [now]
    let clashing = current
    index += 1
    guard clashes.count <= Self.tolerated + candidates.count else {
      let taken = candidates.count > 1 ? "ids \(candidates.map(String.init).joined(separator: ", "))" : "id \(clashing)"
      throw ConnectorError(
        .configuration, "other replication clients of the server use the server \(taken) as well: \(error.message)",
        remedy: "give every pipeline and every replica its own numbers with the option server-id, such as 5401-5408; "
          + "SHOW SLAVE HOSTS (SHOW REPLICAS) and SHOW PROCESSLIST on the server name the others")
    }
    return true
  }
}
