/// A date, a time or both, as people write them in DEFAULT clauses: any punctuation between the numbers, or none.
///
/// What cannot be read for certain gives nil: the value is then not carried, and rows that would be filled with it are read
/// from the table.
struct TimeLiteral {
  private var date = [0, 0, 0]
  private var isNegative = false
  private var time = [0, 0, 0]
  private var fraction: Substring = ""

  /// A date, or a date and a time: `2020-1-2`, `20/01/02 3:4`, `2020-01-02T03:04:05.6`, `20200102030405`, `0`.
  init?(_ text: String) {
    let (whole, fraction) = Self.cut(text)
    let groups = whole.split { !$0.isNumber }
    guard let first = groups.first, whole.first?.isNumber == true, !whole.contains("+"),
      groups.allSatisfy({ $0.utf8.count <= 14 })
    else { return nil }
    self.fraction = fraction
    if groups.count == 1 {
      guard setDigits(first) else { return nil }
    } else {
      guard (3...6).contains(groups.count), first.utf8.count == 2 || first.utf8.count == 4,
        groups.dropFirst().allSatisfy({ $0.utf8.count <= 2 })
      else { return nil }
      let numbers = groups.compactMap { Int($0) }
      guard numbers.count == groups.count else { return nil }
      date = [Self.year(numbers[0], digits: first.utf8.count), numbers[1], numbers[2]]
      for (index, number) in numbers.dropFirst(3).enumerated() { time[index] = number }
    }
  }

  /// A time: `3:4`, `-12:13:14.5`, `30405`, `1 2:3:4` (days in front), or the time of a date and time.
  init?(time text: String) {
    var (whole, fraction) = Self.cut(text)
    if let space = whole.lastIndex(where: { $0 == " " || $0 == "T" }), whole[..<space].dropFirst().contains("-") {
      guard let both = TimeLiteral(text) else { return nil }
      self = both
      return
    }
    isNegative = whole.first == "-"
    if isNegative { whole = whole.dropFirst() }
    self.fraction = fraction
    var days = 0
    let halves = whole.split(separator: " ")
    if halves.count == 2 {
      guard let number = Int(halves[0]), (0...34).contains(number) else { return nil }
      days = number
      whole = halves[1]
    }
    let groups = whole.split(separator: ":", omittingEmptySubsequences: false)
    let numbers = groups.compactMap { group in group.allSatisfy(\.isNumber) ? Int(group) : nil }
    guard numbers.count == groups.count, (1...3).contains(groups.count), numbers.allSatisfy({ $0 < 1_000_000_000 })
    else { return nil }
    if groups.count > 1 {
      for (index, number) in numbers.enumerated() { time[index] = number }
    } else if halves.count == 2 {
      time[0] = numbers[0]
    } else {
      time = [numbers[0] / 10_000, numbers[0] / 100 % 100, numbers[0] % 100]
    }
    time[0] += days * 24
  }

  /// What stands in front of the fraction of a second, and its digits.
  private static func cut(_ text: String) -> (Substring, Substring) {
    var trimmed = text[...]
    while trimmed.first == " " { trimmed.removeFirst() }
    while trimmed.last == " " { trimmed.removeLast() }
    // A point may also stand between other numbers.
    guard let point = trimmed.lastIndex(of: "."), trimmed[..<point].contains(":") || !trimmed[..<point].contains("."),
      trimmed[trimmed.index(after: point)...].allSatisfy(\.isNumber)
    else { return (trimmed, "") }
    return (trimmed[..<point], trimmed[trimmed.index(after: point)...])
  }

  /// A number without punctuation: YYYYMMDD, YYMMDD, either with hhmmss behind, or 0.
  private mutating func setDigits(_ digits: Substring) -> Bool {
    guard let number = Int(digits) else { return false }
    if number == 0 { return true }
    let hasTime = digits.utf8.count == 12 || digits.utf8.count == 14
    guard hasTime || digits.utf8.count == 6 || digits.utf8.count == 8 else { return false }
    let day = hasTime ? number / 1_000_000 : number
    let yearDigits = digits.utf8.count == 8 || digits.utf8.count == 14 ? 4 : 2
    date = [Self.year(day / 10_000, digits: yearDigits), day / 100 % 100, day % 100]
    if hasTime { time = [number / 10_000 % 100, number / 100 % 100, number % 100] }
    return true
  }

  private static func year(_ number: Int, digits: Int) -> Int {
    digits == 4 ? number : number + (number < 70 ? 2000 : 1900)
  }

  /// `2020-01-02`.
  var dateText: String {
    "\(Self.padded(date[0], 4))-\(Self.padded(date[1], 2))-\(Self.padded(date[2], 2))"
  }

  /// `03:04:05.60`. Nil where digits fall away: MySQL rounds them, MariaDB cuts them off, and `sql_mode` may say otherwise.
  func timeText(digits: Int) -> String? {
    guard fraction.dropFirst(digits).allSatisfy({ $0 == "0" }) else { return nil }
    let whole = (isNegative ? "-" : "") + time.map { Self.padded($0, 2) }.joined(separator: ":")
    guard digits > 0 else { return whole }
    let shown = fraction.prefix(digits)
    return whole + "." + shown + String(repeating: "0", count: digits - shown.count)
  }

  /// `2020-01-02 03:04:05.60`; nil as for a time.
  func text(digits: Int) -> String? { timeText(digits: digits).map { dateText + " " + $0 } }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
