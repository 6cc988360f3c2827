import Model

/// Puts an assignment together that comes in parts.
struct AssignmentTables: Sendable {
  private var attempt: AttemptID?
  private var tables: [TailTableWork] = []
  /// Tables of one kind have one schema: of thousands of tables there are few different ones, mostly.
  private var schemas: Set<TableSchema> = []

  /// Takes a message in. Returns what is to be handed on: an assignment as a whole; nil: a part of one.
  mutating func complete(_ message: Message) -> Message? {
    switch message {
    case .moreTables(let part):
      if part.attempt != attempt { self = AssignmentTables() }
      attempt = part.attempt
      for table in part.tables { tables.append(shared(table)) }
      return nil
    case .assign(var assignment):
      guard case .tail(var work) = assignment.work, assignment.attempt == attempt else { return message }
      work.tables = tables + work.tables.map { shared($0) }
      assignment.work = .tail(work)
      self = AssignmentTables()
      return .assign(assignment)
    default: return message
    }
  }

  private mutating func shared(_ table: TailTableWork) -> TailTableWork {
    var table = table
    table.binding.schema = schemas.insert(table.binding.schema).memberAfterInsert
    for index in table.binding.targets.indices {
      let schema = table.binding.targets[index].schema
      table.binding.targets[index].schema = schemas.insert(schema).memberAfterInsert
    }
    return table
  }
}
