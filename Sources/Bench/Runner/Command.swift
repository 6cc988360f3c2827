import Glibc

/// Files and child processes, without Foundation.
enum Command {
  /// Runs a command to its end, with its streams in files.
  /// - Returns: its exit status; 128 and the signal's number when one ended it.
  static func run(_ words: [String], input: String = "/dev/null", output: String = "/dev/null", errors: String)
    throws(BenchError) -> Int32
  {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var child: pid_t = 0
    let failure = posix_spawnp(&child, words[0], &actions, nil, arguments, environ)
    guard failure == 0 else { throw BenchError("cannot start \(words[0]): \(String(cString: strerror(failure)))") }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else { throw BenchError("waiting for \(words[0]): \(String(cString: strerror(errno)))") }
    }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  /// A whole file as text.
  static func read(_ path: String) throws(BenchError) -> String {
    guard let file = fopen(path, "r") else {
      throw BenchError("cannot read \(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&block, 1, block.count, file)
      if count == 0 { break }
      bytes.append(contentsOf: block.prefix(count))
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Writes a whole file.
  static func write(_ text: String, to path: String) throws(BenchError) {
    guard let file = fopen(path, "w") else {
      throw BenchError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    let written = fputs(text, file)
    guard fclose(file) == 0, written >= 0 else { throw BenchError("cannot write \(path)") }
  }
}

/// CPU time of the machine and of the server, in seconds since they were started.
struct ProcessorTimes {
  var machine: Double
  var server: Double

  /// Reads `/proc`.
  init(server process: Int) throws(BenchError) {
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    let all = try Command.read("/proc/stat").split(separator: "\n").first?.split(separator: " ").dropFirst() ?? []
    let fields = all.compactMap { Double(String($0)) }
    guard fields.count >= 8 else { throw BenchError("/proc/stat is not as expected") }
    machine = (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / ticks
    let stat = try Command.read("/proc/\(process)/stat")
    guard let name = stat.lastIndex(of: ")") else { throw BenchError("the server's process \(process) is gone") }
    let own = stat[name...].split(separator: " ").compactMap { Double(String($0)) }
    guard own.count > 12 else { throw BenchError("/proc/\(process)/stat is not as expected") }
    // Without the state letter, fields 4 to 13 come before utime and stime (fields 14 and 15).
    server = (own[10] + own[11]) / ticks
  }
}
