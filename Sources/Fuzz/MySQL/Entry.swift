import CFuzzer

/// Runs one fuzz target under libFuzzer, or writes its seeds: see `usage`. Built and run by `cluster/fuzz`.
@main struct FuzzMySQL {
  private static let usage = """
    usage: fuzz-mysql TARGET [libFuzzer's arguments]
           fuzz-mysql --targets
           fuzz-mysql --seeds DIR FILE...   writes DIR/TARGET/… from the fixtures and statements in Swift files
    """

  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count > 1 else { return end(usage) }
    switch arguments[1] {
    case "--targets": print(FuzzTarget.allCases.map(\.rawValue).joined(separator: "\n"))
    case "--seeds":
      guard arguments.count > 3 else { return end(usage) }
      Seeds.write(to: arguments[2], from: Array(arguments[3...]))
    default:
      guard let target = FuzzTarget(rawValue: arguments[1]) else { return end(usage) }
      run(target)
    }
  }

  private static func end(_ text: String) {
    print(text)
    exitWithUsage()
  }

  private static func run(_ target: FuzzTarget) {
    FuzzTarget.current = target
    // libFuzzer sees its own arguments: the program's name, then what follows the target's.
    var count = CommandLine.argc - 1
    let values = CommandLine.unsafeArgv + 1
    values[0] = CommandLine.unsafeArgv[0]
    var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = values
    _ = LLVMFuzzerRunDriver(&count, &pointer) { data, size in
      FuzzTarget.current.run(UnsafeRawBufferPointer(start: data, count: size))
      return 0
    }
  }
}
