import CPlatform
import Glibc
import Platform

/// A child process of a test: started with its own environment and output files, killed and reaped by pid, and dead
/// when its parent dies.
public final class ChildProcess: Sendable {
  /// The process's number.
  public let pid: pid_t
  /// Its standard output, a file.
  public let outputPath: String
  /// Its standard error, a file.
  public let errorPath: String
  private let status = Monitor<Int32?>(nil)

  /// Why a process could not be started.
  public struct Failure: Error, CustomStringConvertible {
    /// What failed.
    public let description: String
  }

  /// Starts a program. `environment` is added to this process's own.
  /// - Throws: `Failure` when it cannot be started.
  public init(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], directory: String, name: String
  ) throws {
    outputPath = "\(directory)/\(name).out"
    errorPath = "\(directory)/\(name).err"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    guard access(program, X_OK) == 0 else { throw Failure(description: "cannot start \(program): no such program") }
    // The kernel kills it when the thread that has started it ends: the one that waits for its end.
    let command = [ProcessTools.find("setpriv"), "--pdeathsig", "KILL", program] + arguments
    pid = try Self.spawn(command, Self.merged(environment), actions, status).get()
    Self.living.withLock { [pid] living in _ = living.insert(pid) }
    Self.armExit()
  }

  /// Starts the command on a thread of its own, which waits for its end.
  private static func spawn(
    _ command: [String], _ environment: [String], _ actions: posix_spawn_file_actions_t, _ status: Monitor<Int32?>
  ) -> Result<pid_t, Failure> {
    let started = Monitor<Result<pid_t, Failure>?>(nil)
    let files = FileActions(actions)
    _ = DedicatedThread(name: "reaper") {
      let argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
      let envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
      var child = pid_t()
      var actions = files.actions
      let code = posix_spawn(&child, command[0], &actions, nil, argv, envp)
      for pointer in argv + envp { free(pointer) }
      guard code == 0 else {
        let failure = Failure(description: "cannot start \(command[0]): \(String(cString: strerror(code)))")
        return started.update { $0 = .failure(failure) }
      }
      let pid = child
      started.update { $0 = .success(pid) }
      var raw: Int32 = 0
      while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
      let exited = raw & 0x7f == 0
      let result = exited ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
      status.update { $0 = result }
    }
    return started.wait { $0 } ?? .failure(Failure(description: "the thread did not start"))
  }

  /// What the child's files are.
  ///
  /// `@unchecked Sendable`: handed to one thread, whose start the owner waits for before it frees them.
  private struct FileActions: @unchecked Sendable {
    let actions: posix_spawn_file_actions_t
    init(_ actions: posix_spawn_file_actions_t) { self.actions = actions }
  }

  /// The exit status (128 plus the signal's number when a signal ended it); nil when it still runs after
  /// `milliseconds`.
  public func wait(milliseconds: Int64) -> Int32? {
    let result = status.wait(milliseconds: milliseconds) { $0 }
    if result != nil { Self.living.withLock { _ = $0.remove(pid) } }
    return result
  }

  /// Whether it still runs.
  public var isRunning: Bool { status.withLock { $0 == nil } }

  /// Sends a signal, if it still runs.
  public func signal(_ number: Int32) { if isRunning { Glibc.kill(pid, number) } }

  /// SIGKILL, and waits for the end.
  public func kill() {
    signal(SIGKILL)
    _ = wait(milliseconds: 30_000)
  }

  /// What it has written to standard output so far.
  public var output: String { TestFiles.read(outputPath) }
  /// What it has written to standard error so far.
  public var errorOutput: String { TestFiles.read(errorPath) }

  // MARK: - Nothing is left behind

  private static let living = Monitor<Set<pid_t>>([])
  private static let isArmed = Monitor(false)

  private static func armExit() {
    let isFirst = isArmed.withLock { armed in
      defer { armed = true }
      return !armed
    }
    guard isFirst else { return }
    atexit { for pid in ChildProcess.living.withLock({ $0 }) { Glibc.kill(pid, SIGKILL) } }
  }

  private static func merged(_ extra: [String: String]) -> [String] {
    var values: [String: String] = [:]
    var pointer = environ
    while let entry = pointer.pointee {
      let text = String(cString: entry)
      if let split = text.firstIndex(of: "=") {
        values[String(text[..<split])] = String(text[text.index(after: split)...])
      }
      pointer += 1
    }
    return values.merging(extra) { $1 }.map { "\($0.key)=\($0.value)" }
  }
}

/// Directories and files of tests.
public enum TestFiles {
  /// Where temporary files go: `TMPDIR`, or `/tmp`.
  public static var temporaryDirectory: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

  /// Removes a directory and what is in it.
  public static func remove(_ directory: String) {
    do {
      try ProcessTools.run([ProcessTools.find("rm"), "-rf", directory])
    } catch {
      // The test has ended when its files are removed: nothing depends on it any more.
      let line = Array("cannot remove \(directory): \(error)\n".utf8)
      _ = Glibc.write(STDERR_FILENO, line, line.count)
    }
  }

  /// Copies a directory and what is in it; folders above the copy are made.
  /// - Throws: when a file cannot be read or written.
  public static func copy(_ directory: String, to place: String) throws {
    let parent = place.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    try ProcessTools.run([ProcessTools.find("mkdir"), "-p", parent])
    try ProcessTools.run([ProcessTools.find("cp"), "-R", directory, place])
  }

  /// A fresh directory under the system's temporary one.
  /// - Throws: `ChildProcess.Failure` when it cannot be made.
  public static func makeDirectory(_ purpose: String) throws -> String {
    var template = Array("\(temporaryDirectory)/tidegate-\(purpose)-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw ChildProcess.Failure(description: "mkdtemp: \(String(cString: strerror(errno)))")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// A file's content; empty when it cannot be read.
  public static func read(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { break }
      bytes += buffer.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Writes a file.
  /// - Throws: `DurableFile.Failure` when it cannot be written.
  public static func write(_ path: String, _ text: String) throws {
    try DurableFile.replace(path, with: Array(text.utf8), mode: 0o644)
  }

  /// The directory of this test run's products, where the executables are.
  public static let productsDirectory: String = {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
  }()
}

/// Asks a condition again and again until it holds; false when `seconds` have passed first.
public func eventually(within seconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
  let end = Clock.monotonicMilliseconds() + Int64(seconds * 1000)
  while true {
    if try condition() { return true }
    if Clock.monotonicMilliseconds() >= end { return false }
    poll(nil, 0, 50)
  }
}
