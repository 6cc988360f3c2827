import Model

/// What went wrong in a source, a sink or a pipeline file: told so that the user knows what happened, to what, and what
/// to do, and so that the scheduler knows whether to try again.
public struct ConnectorError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where the fault lies; decides what the scheduler does (see `policy`).
  public enum Kind: String, Sendable, Codable {
    /// The pipeline file or an option is wrong.
    case configuration
    /// The system could not be reached, or the connection broke.
    case connection
    /// The system refused for now: overload, lock wait, deadlock, failover in progress.
    case transient
    /// Wrong user or password, or a missing privilege.
    case permission
    /// A server setting that change data capture needs is missing.
    case prerequisite
    /// A value, type or event that this version cannot carry faithfully.
    case unsupported
    /// Bytes from a server or a file that break its own format or checksum.
    case corrupt
    /// The log no longer holds the offset that is needed.
    case offsetLost
    /// The schema is not what the registry has for this table; the table is read again.
    case schemaMismatch
    /// A newer attempt has taken over; this one must stop writing.
    case fenced
    /// The caller asked to stop.
    case cancelled
    /// A full disk or another exhausted resource of this machine.
    case resource
    /// The sink refused rows or a schema change.
    case rejected
    /// A defect of Tidegate itself.
    case bug
  }

  /// What the scheduler does about an error.
  public enum Policy: Sendable, Hashable {
    /// Try the split again after a pause, as often as the limit allows.
    case retry
    /// Stop the pipeline and wait for the operator.
    case stop
    /// Not a failure of the work: give the split back.
    case release
  }

  /// Where the fault lies.
  public var kind: Kind
  /// What happened, in one sentence without secrets.
  public var message: String
  /// The table it happened to.
  public var table: TableID?
  /// The place in the log it happened at.
  public var offset: Offset?
  /// What the user can do about it.
  public var remedy: String?

  /// Makes an error.
  public init(_ kind: Kind, _ message: String, table: TableID? = nil, offset: Offset? = nil, remedy: String? = nil) {
    self.kind = kind
    self.message = message
    self.table = table
    self.offset = offset
    self.remedy = remedy
  }

  /// What the scheduler does about it. Unknown conditions are born as `transient`, so nothing is given up too early;
  /// the list of kinds that stop a pipeline is what waiting cannot mend.
  public var policy: Policy {
    switch kind {
    case .connection, .transient, .resource, .schemaMismatch: .retry
    case .configuration, .permission, .prerequisite, .unsupported, .corrupt, .offsetLost, .rejected, .bug: .stop
    case .fenced, .cancelled: .release
    }
  }

  /// One line: message, table, offset, remedy.
  public var description: String {
    var text = message
    if let table { text += " [table \(table)]" }
    if let offset { text += " [at \(offset)]" }
    if let remedy { text += " — \(remedy)" }
    return text
  }
}
