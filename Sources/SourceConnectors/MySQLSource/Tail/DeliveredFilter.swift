import Connector
import Model

/// What one earlier set of tail splits has delivered of a table: each share up to an offset of its own.
struct DeliveredFilter {
  /// By share.
  private let shares: [Watermark]
  /// Where all of them can be compared by position alone.
  private let lowest: Watermark?
  private let highest: Watermark?

  /// How much of an event lies at or below the shares' offsets.
  enum Extent {
    case all, some, none
  }

  /// - Throws: `bug` without a share; what `Watermark` throws.
  init(_ delivered: DeliveredShares, table: TableID, server: String) throws(ConnectorError) {
    guard !delivered.offsets.isEmpty else { throw ConnectorError(.bug, "delivered shares without one", table: table) }
    var shares: [Watermark] = []
    for offset in delivered.offsets { shares.append(try Watermark(offset, server: server)) }
    self.shares = shares
    let usesPositions = shares.allSatisfy(\.usesPositions)
    lowest = usesPositions ? shares.min(by: Watermark.isLower) : nil
    highest = usesPositions ? shares.max(by: Watermark.isLower) : nil
  }

  /// How much of an event at `place` has been delivered.
  func extent(_ place: LogPlace) -> Extent {
    if let lowest, let highest {
      if lowest.covers(place) { return .all }
      return highest.covers(place) ? .some : .none
    }
    let covering = shares.count { $0.covers(place) }
    return covering == shares.count ? .all : covering == 0 ? .none : .some
  }

  /// Whether the row was delivered by the share that its key belongs to.
  func contains(_ row: RowView, schema: RowSchema, _ place: LogPlace) -> Bool {
    // A table without a key belongs to share 0 as a whole.
    if shares.count == 1 || schema.keyIndexes.isEmpty { return shares[0].covers(place) }
    return shares[Int(KeyHash.hash(row, schema: schema) % UInt64(shares.count))].covers(place)
  }

  /// Whether nothing from here on was delivered by any share.
  func isPassed(by cursor: TailCursor) -> Bool { shares.allSatisfy { $0.isPassed(by: cursor) } }
}
