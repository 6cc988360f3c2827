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
  private struct FailpointRule: Sendable {
    var kill: Bool
    var at: Int?
    var passed = 0
  }

  private let rules: Monitor<[String: FailpointRule]> = {
    var rules: [String: FailpointRule] = [:]
    guard let text = getenv("TIDEGATE_FAILPOINTS") else { return Monitor(rules) }
    for part in String(cString: text).split(separator: ",") {
      let sides = part.split(separator: "=", maxSplits: 1)
      guard sides.count == 2 else { continue }
      let action = sides[1].split(separator: "@")
      rules[String(sides[0])] = FailpointRule(
        kill: action[0] == "kill", at: action.count > 1 ? Int(action[1]) : nil)
    }
    return Monitor(rules)
  }()
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
