import Foundation
import Platform
import Testing

@Suite("Monitor, inbox and threads")
struct WaitingTests {
  @Test("Who waits is woken by an update, not by a look")
  func monitorWakes() {
    let monitor = Monitor(0)
    let thread = DedicatedThread(name: "waker") {
      for _ in 0..<5 { monitor.update { $0 += 1 } }
    }
    let seen: Int? = monitor.wait(milliseconds: 10_000) { $0 == 5 ? $0 : nil }
    #expect(seen == 5)
    #expect(thread.join(milliseconds: 10_000))
  }

  @Test("A wait ends at its limit, and at once when it has none left", arguments: [-5, 0, 30] as [Int64])
  func monitorLimit(milliseconds: Int64) {
    let monitor = Monitor(0)
    let start = Clock.monotonicMilliseconds()
    let seen: Int? = monitor.wait(milliseconds: milliseconds) { _ in nil }
    #expect(seen == nil)
    #expect(Clock.monotonicMilliseconds() - start >= max(0, milliseconds - 1))
  }

  @Test("A limit beyond all time is as good as none")
  func monitorEndless() {
    let monitor = Monitor(1)
    #expect(monitor.wait(milliseconds: .max) { $0 } == 1)
    let late = Monitor(false)
    let thread = DedicatedThread(name: "waker") { late.update { $0 = true } }
    #expect(late.wait(milliseconds: .max) { $0 ? 1 : nil } == 1)
    #expect(thread.join(milliseconds: 10_000))
  }

  @Test("Entries of many threads all arrive, each thread's in its order, through a small inbox")
  func inboxOrder() {
    let inbox = Inbox<[Int]>(limit: 4)
    let threads = (0..<4).map { number in
      DedicatedThread(name: "writer") { for index in 0..<200 { inbox.put([number, index]) } }
    }
    var next = [0, 0, 0, 0]
    var outOfOrder = 0
    var largest = 0
    while next.reduce(0, +) < 800 {
      let entries = inbox.takeAll(milliseconds: 10_000)
      guard !entries.isEmpty else { break }
      largest = max(largest, entries.count)
      for entry in entries {
        if entry[1] != next[entry[0]] { outOfOrder += 1 }
        next[entry[0]] += 1
      }
    }
    #expect(next == [200, 200, 200, 200])
    #expect(outOfOrder == 0)
    // The limit, and at most one more for each writer that saw room at the same time.
    #expect(largest <= 8)
    for thread in threads { #expect(thread.join(milliseconds: 10_000)) }
  }

  @Test("A full inbox makes its writer wait until there is room")
  func inboxFull() {
    let inbox = Inbox<Int>(limit: 1)
    inbox.put(1)
    let thread = DedicatedThread(name: "writer") { inbox.put(2) }
    #expect(!thread.join(milliseconds: 30))
    #expect(inbox.takeAll(milliseconds: 0) == [1])
    #expect(thread.join(milliseconds: 10_000))
    #expect(inbox.takeAll(milliseconds: 0) == [2])
    #expect(inbox.takeAll(milliseconds: 5).isEmpty)
  }

  @Test("A closed inbox holds nobody and keeps nothing")
  func inboxClosed() {
    let inbox = Inbox<Int>(limit: 1)
    inbox.put(1)
    let thread = DedicatedThread(name: "writer") { inbox.put(2) }
    inbox.close()
    #expect(thread.join(milliseconds: 10_000))
    inbox.put(3)
    #expect(inbox.takeAll(milliseconds: 0).isEmpty)
  }
}
