import CPlatform

/// Termination signals, taken by one thread instead of by handlers.
public enum Signals {
  /// Blocks SIGINT, SIGTERM and SIGHUP and ignores SIGPIPE. Call first in `main`, before any thread starts.
  public static func block() { tg_signals_block() }

  /// Waits for one of the blocked signals and returns its number. One thread only.
  public static func wait() -> Int32 { tg_signals_wait() }
}
