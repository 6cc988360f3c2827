import Model

/// What a RENAME TABLE with all its pairs, or ALTER TABLE … RENAME, does in the end: which table stands under which name.
struct RenameEffect {
  /// A name that the statement speaks of.
  struct Outcome: Hashable {
    var name: TableID
    /// The former name of the table that stands there now; nil: none does.
    var origin: TableID?
    /// Where the table went that stood there before; nil: it had none, or it has come back.
    var destination: TableID?
  }

  /// Names whose table is another than before, in the order in which the statement mentions them.
  let outcomes: [Outcome]

  /// `key` gives the same for names that are one (servers that fold case).
  init(_ pairs: [RenamedTable], key: (TableID) -> TableID = { $0 }) {
    var names: [TableID] = []
    // A name that is first spoken of as a new one was free.
    var before: [TableID?] = []
    var contents: [TableID?] = []
    var places: [TableID: Int] = [:]
    func index(_ name: TableID, isFree: Bool) -> Int {
      let place = places[key(name), default: names.count]
      if place < names.count { return place }
      places[key(name)] = place
      names.append(name)
      before.append(isFree ? nil : name)
      contents.append(isFree ? nil : name)
      return place
    }
    for pair in pairs {
      let from = index(pair.from, isFree: false)
      let to = index(pair.to, isFree: true)
      contents[to] = contents[from]
      contents[from] = nil
    }
    var destinations: [TableID: TableID] = [:]
    for (name, content) in zip(names, contents) { if let content { destinations[content] = name } }
    outcomes = names.indices.compactMap { index in
      let name = names[index]
      guard contents[index] != before[index] else { return nil }
      let destination = before[index].flatMap { destinations[$0] }
      return Outcome(name: name, origin: contents[index], destination: destination)
    }
  }
}
