import CPlatform
import Glibc

/// Named places where a test can kill or fail the process. Compiled out of release builds.
///
/// `TIDEGATE_FAILPOINTS=worker.before-commit=kill@3,journal.write=error` kills the process (SIGKILL) the third time it
/// gets to the first place, and makes every call of the second place throw.
public struct FailpointError: Error, Sendable, CustomStringConvertible {
  /// The place.
  public let name: String
  /// Says that this is a test's doing.
  public var description: String { "failpoint \(name) was told to fail" }
}

#if TIDEGATE_FAILPOINTS
  /// What happens at a place.
  struct FailpointRule: Sendable, Equatable {
    /// Whether the process is killed; otherwise the place fails.
    var kill: Bool
    /// At which passage, counted from 1; nil: at every one.
    var at: Int?
    var passed = 0

    /// The rules of a text such as `worker.before-commit=kill@3,journal.write=error`, by place. What is no rule is
    /// passed over.
    static func parse(_ text: String) -> [String: FailpointRule] {
      var rules: [String: FailpointRule] = [:]
      for part in text.split(separator: ",") {
        let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[0].isEmpty else { continue }
        let action = sides[1].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let deed = action.first, deed == "kill" || deed == "error" else { continue }
        let at = action.count > 1 ? Int(action[1]) : nil
        if action.count > 1, at == nil { continue }
        rules[String(sides[0])] = FailpointRule(kill: deed == "kill", at: at)
      }
      return rules
    }
  }

  private let rules: Monitor<[String: FailpointRule]> = Monitor(
    getenv("TIDEGATE_FAILPOINTS").map { FailpointRule.parse(String(cString: $0)) } ?? [:])
#endif

/// A place where a test may kill the process or make it fail; nothing in a release build.
/// - Throws: `FailpointError` when a test asked for it.
@inline(__always)
public func failpoint(_ name: StaticString) throws(FailpointError) {
  #if TIDEGATE_FAILPOINTS
    try reachFailpoint(name.description)
  #endif
}

#if TIDEGATE_FAILPOINTS
  /// Counts a passage and does what the rule for the place says.
  @usableFromInline
  func reachFailpoint(_ name: String) throws(FailpointError) {
    let rule: FailpointRule? = rules.withLock { rules in
      guard var rule = rules[name] else { return nil }
      rule.passed += 1
      rules[name] = rule
      return rule
    }
    guard let rule, rule.at == nil || rule.at == rule.passed else { return }
    if rule.kill { tg_kill_self() }
    throw FailpointError(name: name)
  }
#endif
