import Testing

@testable import Terminal

@Suite("Figures")
struct FiguresTests {
  @Test(arguments: [
    (0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1_234_567, "1,234,567"),
    (-1000, "-1,000"), (-12, "-12"), (Int.max, "9,223,372,036,854,775,807"), (Int.min, "-9,223,372,036,854,775,808"),
  ])
  func count(_ value: Int, _ text: String) { #expect(Figures.count(value) == text) }

  @Test(arguments: [
    (Int64(0), "0ms"), (-5, "0ms"), (999, "999ms"), (1000, "1.0s"), (12_345, "12.3s"), (59_999, "59.9s"),
    (60_000, "1m 00s"), (245_000, "4m 05s"), (3_599_999, "59m 59s"), (3_600_000, "1h 00m"), (7_380_000, "2h 03m"),
    (86_399_999, "23h 59m"), (86_400_000, "1d 00h"), (273_600_000, "3d 04h"), (Int64.max, "106751991167d 07h"),
  ])
  func duration(_ value: Int64, _ text: String) { #expect(Figures.duration(milliseconds: value) == text) }

  @Test(
    arguments: [
      (nil, "-"), (0, "0s"), (0.2, "1s"), (59, "59s"), (59.5, "1m 00s"), (3600, "1h 00m"), (-1, "-"), (Double.nan, "-"),
      (Double.infinity, "-"), (1e300, "-"),
    ] as [(Double?, String)])
  func remaining(_ value: Double?, _ text: String) { #expect(Figures.remaining(seconds: value) == text) }

  @Test(arguments: [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (67_108_863, "63.9 MiB"),
    (67_108_864, "64.0 MiB"), (Int.max, "8.0 EiB"), (-2048, "-2.0 KiB"),
  ])
  func bytes(_ value: Int, _ text: String) { #expect(Figures.bytes(value) == text) }

  @Test(arguments: [
    (0, "0"), (0.04, "0.0"), (0.5, "0.5"), (9.94, "9.9"), (9.96, "10"), (345_678.4, "345,678"), (-1, "-"),
    (Double.nan, "-"), (Double.infinity, "-"), (1e300, "-"),
  ])
  func rate(_ value: Double, _ text: String) { #expect(Figures.rate(value) == text) }

  @Test(arguments: [
    (0, "0.0%"), (62.59, "62.5%"), (99.999, "99.9%"), (100, "100.0%"), (140, "100.0%"), (-3, "0.0%"),
    (Double.nan, "-"),
  ])
  func percent(_ value: Double, _ text: String) { #expect(Figures.percent(value) == text) }

  @Test func plural() {
    #expect(Figures.plural(1, "row") == "1 row")
    #expect(Figures.plural(0, "row") == "0 rows")
    #expect(Figures.plural(1200, "row") == "1,200 rows")
  }
}
