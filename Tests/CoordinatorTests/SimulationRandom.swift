/// SplitMix64: the whole simulation draws from one of these, so that a seed is a history.
struct SimulationRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: Int) { state = UInt64(bitPattern: Int64(seed)) &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def1 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// 0 ..< count.
  mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }

  /// lower ... upper.
  mutating func between(_ lower: Int64, _ upper: Int64) -> Int64 {
    lower + Int64(next() % UInt64(max(1, upper - lower + 1)))
  }

  /// True in so many of a thousand cases.
  mutating func chance(_ permille: Int) -> Bool { below(1000) < permille }

  /// One of them.
  mutating func pick<T>(_ items: [T]) -> T? { items.isEmpty ? nil : items[below(items.count)] }
}

/// A queue of things that will happen, by time and then by order of creation.
struct SimulationQueue<Element> {
  private struct Entry {
    var time: Int64
    var order: Int
    var element: Element
  }

  private var heap: [Entry] = []
  private var created = 0

  /// Adds an element; returns its place among those of the same time.
  @discardableResult
  mutating func add(_ element: Element, at time: Int64, order: Int? = nil) -> Int {
    created += 1
    let order = order ?? created
    heap.append(Entry(time: time, order: order, element: element))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard isBefore(child, parent) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
    return order
  }

  /// Takes the earliest element.
  mutating func popFirst() -> (time: Int64, order: Int, element: Element)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      heap[0] = last
      sink()
    }
    return (first.time, first.order, first.element)
  }

  private mutating func sink() {
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) { least = child }
      guard least != parent else { return }
      heap.swapAt(least, parent)
      parent = least
    }
  }

  private func isBefore(_ left: Int, _ right: Int) -> Bool {
    (heap[left].time, heap[left].order) < (heap[right].time, heap[right].order)
  }
}
