import Platform
import Testing

@Suite struct IdlePoolTests {
  private final class Item: Sendable {
    let number: Int
    init(_ number: Int) { self.number = number }
  }

  /// A pool and the numbers of the items that it has closed.
  private func pool(lifetime: Int64, limit: Int) -> (IdlePool<String, Item>, Monitor<[Int]>) {
    let closed = Monitor<[Int]>([])
    let pool = IdlePool<String, Item>(name: "idle", lifetime: lifetime, limit: limit) { item in
      closed.update { $0.append(item.number) }
    }
    return (pool, closed)
  }

  @Test func itemsAreTakenByKeyAndOnce() {
    let (pool, closed) = pool(lifetime: 600_000, limit: 3)
    #expect(pool.take("a") == nil)
    pool.put(Item(1), "a")
    pool.put(Item(2), "b")
    pool.put(Item(3), "a")
    #expect(pool.take("c") == nil)
    #expect(pool.take("a")?.number == 3)
    #expect(pool.take("a")?.number == 1)
    #expect(pool.take("a") == nil)
    #expect(pool.take("b")?.number == 2)
    #expect(closed.withLock { $0 } == [])
  }

  @Test func whatDoesNotFitIsClosed() {
    let (pool, closed) = pool(lifetime: 600_000, limit: 2)
    for number in 1...4 { pool.put(Item(number), "a") }
    #expect(closed.withLock { $0 } == [3, 4])
    #expect(pool.take("a")?.number == 2)
  }

  @Test func whatNobodyTakesIsClosed() {
    let (pool, closed) = pool(lifetime: 20, limit: 9)
    for round in 0..<3 {
      for number in 0..<3 { pool.put(Item(round * 3 + number), "a") }
      let count = closed.wait(milliseconds: 30_000) { $0.count == round * 3 + 3 ? $0.count : nil }
      #expect(count == round * 3 + 3)
      #expect(pool.take("a") == nil)
    }
  }
}
