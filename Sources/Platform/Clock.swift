import CPlatform

/// Time as the product uses it: the monotonic clock for every deadline and lease, the wall clock for people only.
public enum Clock {
  /// Milliseconds of the monotonic clock; comparable within one boot of one machine, never across machines.
  public static func monotonicMilliseconds() -> Int64 { Int64(tg_monotonic_ns() / 1_000_000) }

  /// Nanoseconds of the monotonic clock.
  public static func monotonicNanoseconds() -> UInt64 { tg_monotonic_ns() }

  /// Milliseconds since 1970-01-01 UTC; may jump.
  public static func wallMilliseconds() -> Int64 { tg_realtime_ns() / 1_000_000 }

  /// Peak resident set of this process, in KiB.
  public static func peakResidentKiB() -> Int { tg_peak_rss_kib() }

  /// User and system CPU time of this process, in microseconds.
  public static func cpuMicroseconds() -> Int64 { tg_cpu_time_us() }
}
