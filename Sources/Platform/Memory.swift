import CPlatform

/// The process's heap.
public enum Memory {
  /// Lets the C library keep two heaps for all threads instead of eight for each core, each of which holds on to what its
  /// threads have once needed. Threads seldom allocate while rows flow, so they do not get into each other's way. Call in
  /// `main`, before any thread starts.
  public static func limitArenas() { tg_memory_limit_arenas(2) }
}
