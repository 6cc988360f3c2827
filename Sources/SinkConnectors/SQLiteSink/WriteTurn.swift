import Connector
import Glibc

/// The queue before the file's write lock.
///
/// SQLite lets whoever asks first at the right moment have the write lock, so a writer that begins its next transaction
/// right after its last one can keep another out for ever. Here a writer takes the turn (an advisory lock on a file beside the database), then waits
/// for the write lock, then gives the turn up: whoever has the turn is the next to write. The kernel gives the turn up
/// for a process that dies. Not thread-safe; every connection has its own.
final class WriteTurn {
  private let descriptor: Int32
  private let path: String

  /// Opens the lock file `<database>-turn`.
  /// - Throws: `permission`, or `resource`, when it cannot be made.
  init(path database: String) throws(ConnectorError) {
    path = database + "-turn"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    if descriptor < 0 {
      let code = errno
      let kind: ConnectorError.Kind = code == ENOSPC || code == EMFILE || code == ENFILE ? .resource : .permission
      throw ConnectorError(
        kind, "\(path) cannot be opened: \(String(cString: strerror(code)))",
        remedy: "let the directory of the replica exist, and let the user of the worker write to it")
    }
  }

  deinit { Glibc.close(descriptor) }

  /// Waits for the turn.
  /// - Throws: `transient` when the time is up, `cancelled` when the wait was interrupted.
  func take(_ wait: SQLiteWait) throws(ConnectorError) {
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      guard code == EWOULDBLOCK || code == EINTR else {
        throw ConnectorError(
          .resource, "\(path) cannot be locked: \(String(cString: strerror(code)))",
          remedy: "put the replica on a local file system")
      }
      if !wait.pause() {
        if wait.isInterrupted { throw ConnectorError(.cancelled, "waiting for \(path) was interrupted") }
        throw ConnectorError(
          .transient, "other writers kept \(path) for longer than busy.timeout",
          remedy: "raise busy.timeout, or give the pipeline fewer slots")
      }
    }
  }

  /// Lets the next one in.
  func release() { _ = flock(descriptor, LOCK_UN) }

  /// A millisecond, as long as one poll of a lock may take.
  static func pause() {
    var time = timespec(tv_sec: 0, tv_nsec: 1_000_000)
    nanosleep(&time, nil)
  }
}

/// Which file a path leads to.
struct FileIdentity: Equatable {
  private let device: dev_t
  private let inode: ino_t

  /// Nil when there is no file.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = status.st_dev
    inode = status.st_ino
  }
}
