import Glibc
import Platform

/// Starting programs for tests.
enum ProcessTools {
  /// The program's path; looks where Debian puts programs.
  static func find(_ name: String) -> String {
    let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"]
    return folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 } ?? name
  }

  /// Runs a program to its end.
  /// - Throws: when it cannot be started or fails.
  static func run(_ command: [String]) throws {
    let log = "\(TestFiles.temporaryDirectory)/tidegate-run-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    defer { unlink(log) }
    let pid = try spawn(command, log: log)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    guard status == 0 else {
      throw SourceServerError("\(command[0]) failed with status \(status): \(tail(log))")
    }
  }

  /// Starts a program that lives on a thread of its own. The thread waits for its end: the kernel's signal at the
  /// parent's death is bound to the *thread* that has started the child, which therefore must not end before.
  static func spawnWatched(_ command: [String], log: String) throws -> pid_t {
    let started = Monitor<Result<pid_t, SourceServerError>?>(nil)
    _ = DedicatedThread(name: "test-server") {
      let result: Result<pid_t, SourceServerError>
      do {
        result = .success(try spawn(command, log: log))
      } catch {
        result = .failure((error as? SourceServerError) ?? SourceServerError("\(error)"))
      }
      started.update { $0 = result }
      guard case .success(let pid) = result else { return }
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }
    guard let result = started.wait({ $0 }) else { throw SourceServerError("the server's thread did not start") }
    return try result.get()
  }

  private static func spawn(_ command: [String], log: String) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A test process may have signals blocked; its children must not.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let status = posix_spawn(&pid, command[0], &actions, &attributes, arguments, environ)
    guard status == 0 else {
      throw SourceServerError(
        "cannot start \(command[0]): \(String(cString: strerror(status))) — apt-get install mariadb-server util-linux")
    }
    return pid
  }

  /// A TCP port of 127.0.0.1 that nobody listens on at the moment; below the range that outgoing connections take theirs
  /// from, and chosen at random so that processes which look at the same time do not find the same one.
  static func freePort() throws -> Int {
    for _ in 0..<100 {
      let port = Int.random(in: 15_000...32_000)
      if isFree(port) { return port }
    }
    throw SourceServerError("no free port")
  }

  private static func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  /// Writes a file.
  static func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else { throw SourceServerError("cannot write \(path)") }
    fputs(text, file)
    fclose(file)
  }

  /// The end of a text file, for messages.
  static func tail(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let size = ftell(file)
    fseek(file, max(0, size - 2000), SEEK_SET)
    var buffer = [UInt8](repeating: 0, count: 2000)
    let count = fread(&buffer, 1, buffer.count, file)
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }
}
