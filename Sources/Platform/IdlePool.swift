/// Items that are costly to make, such as connections, which one user leaves to the next for a few seconds.
///
/// A thread closes those whose time is over; it is there only while the pool holds any.
public final class IdlePool<Key: Equatable & Sendable, Item>: Sendable {
  /// An item that no thread uses.
  ///
  /// `@unchecked Sendable` is safe: an item is in the list or with one owner, never both; whoever takes it out of the
  /// list, under the lock, is the only one that has it. Whoever puts it in says that it may change threads.
  private struct Idle: @unchecked Sendable {
    let item: Item
    let key: Key
    let until: Int64
  }

  private struct State {
    var idle: [Idle] = []
    var isWatched = false
  }

  private let name: String
  private let lifetime: Int64
  private let limit: Int
  private let close: @Sendable (Item) -> Void
  private let state = Monitor(State())

  /// Makes an empty pool.
  /// - Parameters:
  ///   - name: of its thread.
  ///   - lifetime: milliseconds after which an item that nobody has taken is closed.
  ///   - limit: how many items it holds at most.
  ///   - close: gives an item up; called on any thread, without a lock held.
  public init(name: String, lifetime: Int64, limit: Int, close: @escaping @Sendable (Item) -> Void) {
    self.name = name
    self.lifetime = lifetime
    self.limit = limit
    self.close = close
  }

  /// The item of that key that was left last; nil when there is none.
  public func take(_ key: Key) -> Item? {
    let found: Idle? = state.withLock { state in
      guard let index = state.idle.lastIndex(where: { $0.key == key }) else { return nil }
      return state.idle.remove(at: index)
    }
    return found?.item
  }

  /// Leaves an item, which may be used on another thread from now on and no longer by the caller; closes it when the pool
  /// is full.
  public func put(_ item: Item, _ key: Key) {
    let idle = Idle(item: item, key: key, until: Clock.monotonicMilliseconds() + lifetime)
    let (isFull, startsWatch) = state.update { state in
      if state.idle.count >= limit { return (true, false) }
      state.idle.append(idle)
      defer { state.isWatched = true }
      return (false, !state.isWatched)
    }
    if isFull { close(item) }
    if startsWatch { _ = DedicatedThread(name: name) { [self] in watch() } }
  }

  /// Closes items whose time is over, until there are none.
  private func watch() {
    while true {
      let next: Int64? = state.withLock { state in
        state.isWatched = !state.idle.isEmpty
        return state.idle.first?.until
      }
      guard let next else { return }
      _ = state.wait(milliseconds: max(1, next - Clock.monotonicMilliseconds())) { _ in Bool?.none }
      let now = Clock.monotonicMilliseconds()
      let over: [Idle] = state.withLock { state in
        let over = state.idle.filter { $0.until <= now }
        state.idle.removeAll { $0.until <= now }
        return over
      }
      for idle in over { close(idle.item) }
    }
  }
}
