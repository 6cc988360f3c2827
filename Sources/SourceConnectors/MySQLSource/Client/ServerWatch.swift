import Connector
import Platform

/// Tells a server that takes long over a statement from one that is not there any more.
///
/// A server may think for minutes before it sends a byte, so silence alone says nothing, and a limit on it is either too
/// short for a large sort or lock, or so long that a stopped process or a hanging machine holds a chunk for an hour.
/// Where the kernel cannot tell, because it confirms what arrives whatever the process does, the server is asked: after a
/// minute without a byte a second connection is opened to it. A server that greets it is alive, and the statement goes on.
/// One that does not, twice, within `connect.timeout`, is given up: its connections are ended, and their owners, which
/// wait for bytes, go on with an error.
final class ServerWatch: Sendable {
  /// A statement under way.
  typealias Token = UInt64

  private struct Entry: Sendable {
    let interrupter: Interrupter
    let settings: ConnectionSettings
    /// When the statement began, or the server was last found alive.
    var since: Int64
    /// How often it has not answered since then.
    var failures = 0

    func isSilent(_ now: Int64) -> Bool {
      now - since >= settings.silence && (interrupter.silence ?? 0) >= settings.silence
    }
  }

  private struct State {
    var entries: [Token: Entry] = [:]
    var next: Token = 0
    var isRunning = false
    /// How often the thread looks, in milliseconds.
    var pause = longestPause
    /// An entry wants to be looked at sooner.
    var isHurried = false
  }

  /// That of the process.
  static let shared = ServerWatch()
  private static let log = Log("mysql")
  private static let longestPause: Int64 = 10_000
  /// Connections that must come to nothing before a server is given up.
  private static let patience = 2

  private let state = Monitor(State())

  /// A statement begins on the interrupter's connection.
  func begin(_ interrupter: Interrupter, _ settings: ConnectionSettings) -> Token {
    let entry = Entry(interrupter: interrupter, settings: settings, since: Clock.monotonicMilliseconds())
    let (token, startsThread, hurries) = state.withLock { state in
      state.next += 1
      state.entries[state.next] = entry
      let pause = Self.pause(settings)
      let hurries = pause < state.pause
      if hurries {
        state.pause = pause
        state.isHurried = true
      }
      defer { state.isRunning = true }
      return (state.next, !state.isRunning, hurries)
    }
    if startsThread {
      _ = DedicatedThread(name: "mysql-watch") { [self] in run() }
    } else if hurries {
      state.update { _ in }
    }
    return token
  }

  /// The statement is over.
  func end(_ token: Token) { state.withLock { $0.entries[token] = nil } }

  private static func pause(_ settings: ConnectionSettings) -> Int64 {
    min(max(settings.silence / 4, 10), longestPause)
  }

  /// Looks at the statements now and then, until there are none for a while.
  private func run() {
    var hasBeenIdle = false
    while true {
      let pause = state.withLock { state in
        state.pause = state.entries.values.map { Self.pause($0.settings) }.min() ?? Self.longestPause
        return state.pause
      }
      _ = state.wait(milliseconds: pause) { state -> Bool? in
        defer { state.isHurried = false }
        return state.isHurried ? true : nil
      }
      let now = Clock.monotonicMilliseconds()
      let (silent, ends): ([ConnectionSettings], Bool) = state.withLock { state in
        let isIdle = state.entries.isEmpty
        if isIdle, hasBeenIdle { state.isRunning = false }
        defer { hasBeenIdle = isIdle }
        return (Array(Set(state.entries.values.filter { $0.isSilent(now) }.map(\.settings))), isIdle && hasBeenIdle)
      }
      if ends { return }
      for settings in silent { ask(settings) }
    }
  }

  private func ask(_ settings: ConnectionSettings) {
    let asked = Clock.monotonicMilliseconds()
    let isAlive = MySQLClient.answers(settings)
    let now = Clock.monotonicMilliseconds()
    let lost: [Interrupter] = state.withLock { state in
      var lost: [Interrupter] = []
      for (token, entry) in state.entries where entry.settings == settings && entry.isSilent(asked) {
        state.entries[token]?.failures = isAlive ? 0 : entry.failures + 1
        if isAlive { state.entries[token]?.since = now }
        if !isAlive, entry.failures + 1 >= Self.patience { lost.append(entry.interrupter) }
      }
      return lost
    }
    guard !lost.isEmpty else { return }
    let reason =
      "the server has sent nothing for \(settings.silence / 1000) s and does not answer a new connection either"
    Self.log.warning(
      "a server is given up", ["server": "\(settings.host):\(settings.port)", "connections": String(lost.count)])
    for interrupter in lost { interrupter.sever(because: reason) }
  }
}
