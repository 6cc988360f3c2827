import Connector
import Model

extension MySQLSourceConnector {
  /// Offsets of one server are compared by position or, on MySQL with GTIDs, by set inclusion.
  func hasPassed(_ offset: Offset, end: Offset) throws(ConnectorError) -> Bool {
    try MySQLOffset(offset).covers(MySQLOffset(end))
  }
}
