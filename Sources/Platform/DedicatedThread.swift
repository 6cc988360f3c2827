import CPlatform
import Glibc

/// An operating-system thread of its own, for code that blocks in a C library. It never runs on Swift's cooperative
/// pool, which such code would stall.
public final class DedicatedThread: Sendable {
  private let finished = Monitor(false)

  /// Starts the thread at once. `name` shows in `top -H` (15 bytes are kept).
  public init(name: String, _ body: @escaping @Sendable () -> Void) {
    let start = ThreadStart(name: name, finished: finished, body: body)
    let context = Unmanaged.passRetained(start).toOpaque()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 1024 * 1024)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { context in
        guard let context else { return nil }
        let start = Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue()
        tg_thread_set_name(start.name)
        start.body()
        start.finished.update { $0 = true }
        return nil
      }, context)
    pthread_attr_destroy(&attributes)
    precondition(status == 0, "pthread_create failed: \(String(cString: strerror(status)))")
  }

  /// Waits until the body has returned; false when `milliseconds` have passed first (nil: no limit).
  @discardableResult
  public func join(milliseconds: Int64? = nil) -> Bool {
    finished.wait(milliseconds: milliseconds) { $0 ? true : nil } ?? false
  }
}

private final class ThreadStart: Sendable {
  let name: String
  let finished: Monitor<Bool>
  let body: @Sendable () -> Void

  init(name: String, finished: Monitor<Bool>, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.finished = finished
    self.body = body
  }
}
