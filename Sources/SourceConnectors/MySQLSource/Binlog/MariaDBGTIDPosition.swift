/// The name of one event group in MariaDB.
struct MariaDBGTID: Hashable, Sendable, CustomStringConvertible {
  var domain: UInt32
  var server: UInt32
  var sequence: UInt64

  /// `0-1-42`.
  var description: String { "\(domain)-\(server)-\(sequence)" }

  init(domain: UInt32, server: UInt32, sequence: UInt64) {
    self.domain = domain
    self.server = server
    self.sequence = sequence
  }

  /// Reads `0-1-42`; nil for any other text.
  init?(text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, let domain = UInt32(parts[0]), let server = UInt32(parts[1]),
      let sequence = UInt64(parts[2])
    else { return nil }
    self.init(domain: domain, server: server, sequence: sequence)
  }
}

/// A position in MariaDB's log: the last event group of each replication domain (MariaDB knowledge base, "Global
/// Transaction ID"). Within a domain, sequence numbers grow.
struct MariaDBGTIDPosition: Hashable, Sendable {
  private(set) var domains: [UInt32: MariaDBGTID] = [:]

  /// The position in front of everything.
  init() {}

  var isEmpty: Bool { domains.isEmpty }

  /// Goes on to an event group of one domain.
  mutating func advance(to gtid: MariaDBGTID) { domains[gtid.domain] = gtid }

  /// Whether the event group lies at or below this position.
  func contains(_ gtid: MariaDBGTID) -> Bool {
    domains[gtid.domain].map { gtid.sequence <= $0.sequence } ?? false
  }

  /// Whether the other position lies at or below this one in every domain.
  func contains(_ other: MariaDBGTIDPosition) -> Bool {
    other.domains.values.allSatisfy { contains($0) }
  }
}

extension MariaDBGTIDPosition: CustomStringConvertible {
  /// The canonical text: `0-1-42,3-1-7`, domains in order. Empty for the beginning.
  var description: String {
    domains.keys.sorted().compactMap { domains[$0]?.description }.joined(separator: ",")
  }

  /// Reads what `@@gtid_binlog_pos` gives.
  init(parsing text: String) throws(BinlogError) {
    for part in text.split(separator: ",") {
      let trimmed = String(part.unicodeScalars.filter { !$0.properties.isWhitespace }.map(Character.init))
      guard let gtid = MariaDBGTID(text: trimmed) else {
        throw .corrupt("'\(text.prefix(200))' is not a GTID position of MariaDB")
      }
      advance(to: gtid)
    }
  }
}
