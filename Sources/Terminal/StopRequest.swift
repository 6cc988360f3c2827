import Platform

/// Whether the process has been asked to end. Set once, by the thread that takes the signals; everybody else asks or
/// waits.
public final class StopRequest: Sendable {
  private let requested = Monitor(false)

  /// Nothing has been asked yet.
  public init() {}

  /// Asks to end, and wakes everybody who waits.
  public func request() { requested.update { $0 = true } }

  /// Whether somebody has asked.
  public var isRequested: Bool { requested.withLock { $0 } }

  /// Waits until somebody asks (true), or `milliseconds` have passed (false; nil: no limit).
  @discardableResult
  public func wait(milliseconds: Int64? = nil) -> Bool {
    requested.wait(milliseconds: milliseconds) { $0 ? true : nil } ?? false
  }
}
