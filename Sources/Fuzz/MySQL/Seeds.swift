/// Seeds out of the tests' fixtures: the hexadecimal texts of recorded events, and statements in quotes.
enum Seeds {
  static func write(to folder: String, from files: [String]) {
    Files.makeFolder(folder)
    for target in FuzzTarget.allCases { Files.makeFolder("\(folder)/\(target.rawValue)") }
    var events: [[UInt8]] = []
    var texts: [String] = []
    for file in files {
      let text = String(decoding: Files.read(file), as: UTF8.self)
      events += recorded(text)
      texts += statements(text)
    }
    var number = 0
    func add(_ target: FuzzTarget, _ bytes: [UInt8]) {
      number += 1
      Files.write(bytes, to: "\(folder)/\(target.rawValue)/\(number)")
    }
    var previous: [UInt8] = []
    for event in events {
      let body = Array(event.dropFirst(19).dropLast(4))
      switch event[4] {
      case 40: add(.payload, body)
      case 165...171: add(.inflate, Array(body.drop { $0 & 0xf8 != 0x80 }))
      default: break
      }
      for flavor in [0, 1] as [UInt8] {
        add(.events, [flavor] + event)
        if previous.count > 4, previous[4] == 19 { add(.events, [flavor] + previous + event) }
      }
      previous = event
    }
    for text in texts { add(.statements, Array(text.utf8)) }
    for set in ["3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:8:tag:1-2", "0-1-42,3-1-7", "XA COMMIT X'6731',X'',1"] {
      add(.names, Array(set.utf8))
    }
    add(.json, [0x00, 1, 0, 12, 0, 11, 0, 1, 0, 5, 7, 0, 0x61])
    add(.json, [0x02, 2, 0, 10, 0, 5, 1, 0, 4, 1, 0])
    print("\(number) seeds from \(events.count) events and \(texts.count) statements")
  }

  /// Runs of hexadecimal digits that are whole events: the length in the header is the run's.
  private static func recorded(_ text: String) -> [[UInt8]] {
    var joined: [UInt8] = []
    var lines = text.utf8.split(separator: 0x0a, omittingEmptySubsequences: true)[...]
    while let line = lines.popFirst() {
      let trimmed = line.drop { $0 == 0x20 }
      if trimmed.last == 0x5c { joined += trimmed.dropLast() } else { joined += Array(trimmed) + [0x0a] }
    }
    return joined.split { !isHex($0) }.filter { $0.count >= 46 && $0.count % 2 == 0 }.map { bytes(Array($0)) }
      .filter { event in
        let size = (0..<4).reduce(0) { $0 | Int(event[9 + $1]) << (8 * $1) }
        return size == event.count
      }
  }

  private static func isHex(_ byte: UInt8) -> Bool { byte &- 0x30 <= 9 || byte &- 0x61 <= 5 }

  private static func bytes(_ digits: [UInt8]) -> [UInt8] {
    func value(_ digit: UInt8) -> UInt8 { digit > 0x39 ? digit - 0x57 : digit - 0x30 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
  }

  private static func statements(_ text: String) -> [String] {
    let verbs = ["CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "SET STATEMENT", "/*!"]
    return text.split(separator: "\"").map(String.init).filter { part in verbs.contains { part.hasPrefix($0) } }
  }
}
