import Platform

/// The version that `tidegate version` prints.
public enum ProductVersion {
  /// Semantic version of this build.
  public static let current = "0.1.0"

  /// What `tidegate version` prints; the JSON document has the one field `version`.
  public static func text(json: Bool) -> String {
    json ? "{\"version\":\(JSONText.quoted(current))}" : "tidegate \(current)"
  }
}
