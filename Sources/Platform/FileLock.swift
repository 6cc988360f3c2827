import CPlatform
import Glibc

/// A lock file: held as long as its descriptor is open, gone with the process however that ends.
public enum FileLock {
  /// Creates the file if needed and locks it without waiting. The descriptor, or -1 when it cannot be opened or another
  /// process holds it.
  public static func openAndLock(_ path: String) -> Int32 {
    let descriptor = tg_open(path, O_RDWR | O_CREAT, 0o600)
    guard descriptor >= 0 else { return -1 }
    guard tg_lock_file(descriptor) == 0 else {
      close(descriptor)
      return -1
    }
    return descriptor
  }
}
