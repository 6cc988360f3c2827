import CPlatform
import Glibc

/// A value behind a lock, with a condition that threads can wait for: the one way in which blocking threads of this
/// product wait for each other.
///
/// `State` is reached only inside `withLock`, `update` and `wait`, under the mutex. No callback leaves with the lock
/// held, and none of the bodies may block or take another lock.
///
/// `@unchecked Sendable` is safe: every access to `state` happens under `mutex`; the pthread objects are made for sharing
/// between threads and have a fixed address for the life of the object.
public final class Monitor<State>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var state: State

  /// Takes the value under the lock's protection.
  public init(_ state: sending State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
    tg_cond_init(condition)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Reads or changes the value without waking anybody.
  public func withLock<R, E: Error>(_ body: (inout State) throws(E) -> sending R) throws(E) -> sending R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Changes the value and wakes every waiting thread.
  public func update<R, E: Error>(_ body: (inout State) throws(E) -> sending R) throws(E) -> sending R {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(condition)
      pthread_mutex_unlock(mutex)
    }
    return try body(&state)
  }

  /// Waits until `body` returns a value, asking it again after each `update`; nil once `milliseconds` have passed
  /// (nil: no limit).
  public func wait<R>(milliseconds: Int64? = nil, _ body: (inout State) -> sending R?) -> sending R? {
    // At most some thirty years, so that no sum overflows.
    let deadline = milliseconds.map { tg_monotonic_ns() + UInt64(min(max(0, $0), 1_000_000_000_000)) * 1_000_000 }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      if let deadline {
        if tg_cond_wait_until(condition, mutex, deadline) == ETIMEDOUT { return body(&state) }
      } else {
        pthread_cond_wait(condition, mutex)
      }
    }
  }
}
