/// A queue from many threads to one, bounded by a number of entries: a full one makes its writers wait.
public final class Inbox<Element: Sendable>: Sendable {
  private struct State {
    var entries: [Element] = []
    var isClosed = false
  }

  private let state = Monitor(State())
  private let limit: Int

  /// An empty queue for at most `limit` entries.
  public init(limit: Int = 4096) { self.limit = limit }

  /// Adds an entry, after waiting for room if the queue is full. A closed queue drops it.
  public func put(_ element: Element) {
    let limit = limit
    _ = state.wait { state in state.entries.count < limit || state.isClosed ? true : nil }
    state.update { if !$0.isClosed { $0.entries.append(element) } }
  }

  /// Takes everything there is; waits until there is something or `milliseconds` have passed (then it is empty).
  public func takeAll(milliseconds: Int64) -> [Element] {
    let entries: [Element]? = state.wait(milliseconds: milliseconds) { state in
      state.entries.isEmpty ? nil : state.entries
    }
    guard entries != nil else { return [] }
    return state.update { state in
      defer { state.entries = [] }
      return state.entries
    }
  }

  /// Drops what is left and lets nobody wait any more.
  public func close() {
    state.update {
      $0.isClosed = true
      $0.entries = []
    }
  }
}
