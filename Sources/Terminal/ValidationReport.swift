import Platform

/// What `tidegate validate` prints of a pipeline that can run.
public struct ValidationReport: Sendable, Hashable {
  /// What the operator should know all the same.
  public var warnings: [String]

  /// Makes one.
  public init(warnings: [String]) { self.warnings = warnings }

  /// `warning: …` lines and `ok`, or the document `{"ok":true,"warnings":[…]}`.
  public func text(json: Bool) -> String {
    guard json else { return (warnings.map { "warning: \(PlainText.visible($0))" } + ["ok"]).joined(separator: "\n") }
    return "{\"ok\":true,\"warnings\":[\(warnings.map(JSONText.quoted).joined(separator: ","))]}"
  }
}
