import FoundationEssentials
import Platform
import Wire

/// Answers to operators' questions.
struct AdminAnswers {
  let documents: StatusDocuments
  let exists: Bool

  /// The answer to a question; an unknown verb is wrong usage.
  func answer(_ request: AdminRequest) -> AdminReply {
    switch request.verb {
    case "list": return json(documents.list())
    case "workers": return json(documents.workers())
    case "status", "tables", "splits", "schema":
      guard exists else {
        let known = documents.list().map(\.name).joined(separator: ", ")
        let hint = known.isEmpty ? "" : "; there are: \(known)"
        return AdminReply(status: 1, error: "there is no pipeline \(request.pipeline)\(hint)")
      }
      return answerOfPipeline(request)
    default: return AdminReply(status: 2, error: "the coordinator does not know the command \(request.verb)")
    }
  }

  /// The answer to a command that was accepted: the pipeline as it is now; nothing once it is gone.
  func accepted(_ pipeline: String) -> AdminReply {
    documents.summary(pipeline).map(json) ?? AdminReply(status: 0)
  }

  private func answerOfPipeline(_ request: AdminRequest) -> AdminReply {
    let name = request.pipeline
    let table = request.arguments["table"]
    switch request.verb {
    case "status":
      let limit = request.arguments["tables"]
      let status =
        limit == "none"
        ? documents.head(name) : documents.status(name, tables: limit.flatMap { Int($0) }.map { max(0, $0) })
      guard let status else { return AdminReply(status: 1, error: "no pipeline \(name)") }
      return json(status)
    case "tables": return json(documents.tables(name))
    case "splits": return json(documents.splits(name, table: table, state: request.arguments["state"]))
    default: return json(documents.schemas(name, table: table))
    }
  }

  /// An answer that does not fit a frame is refused with a hint.
  private func json<T: Encodable>(_ value: T) -> AdminReply {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      let text = String(decoding: try encoder.encode(value), as: UTF8.self)
      guard text.utf8.count < 15 << 20 else {
        return AdminReply(status: 1, error: "the answer is too long for one frame — narrow it with --table or --state")
      }
      return AdminReply(status: 0, json: text)
    } catch {
      return AdminReply(status: 1, error: "the answer cannot be written as JSON: \(error)")
    }
  }
}
