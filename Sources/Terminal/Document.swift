import FoundationEssentials
import Wire

/// The coordinator's JSON documents, decoded for people.
enum Document {
  /// Decodes a document.
  /// - Throws: when it is not what this version knows under that verb.
  static func decode<T: Decodable>(_ type: T.Type, _ json: String, verb: String) throws(CommandFailure) -> T {
    do {
      return try JSONDecoder().decode(type, from: Data(json.utf8))
    } catch {
      throw CommandFailure(
        what: verb, "the coordinator's answer is not understood (\(reason(error)))",
        remedy: "check that coordinator and command line are of the same version; --json prints the answer as it is")
    }
  }

  private static func reason(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "the document" : path.map(\.stringValue).joined(separator: ".")
    }
    switch error as? DecodingError {
    case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(place(context.codingPath)) is of another type"
    case .dataCorrupted(let context): return "\(place(context.codingPath)) is damaged"
    case nil: return "\(error)"
    @unknown default: return "\(error)"
    }
  }
}

/// The text for people of each document.
public enum DocumentText {
  /// The lines that a verb's document is shown as.
  /// - Throws: when the document is not what this version knows under that verb.
  public static func lines(
    verb: String, pipeline: String, json: String, style: Style
  ) throws(CommandFailure) -> [String] {
    switch verb {
    case "list": return ListView.lines(try Document.decode([PipelineSummary].self, json, verb: verb), style)
    case "status": return StatusView.lines(try Document.decode(PipelineStatus.self, json, verb: verb), style)
    case "tables": return TablesView.lines(try Document.decode([TableStatus].self, json, verb: verb), style)
    case "splits": return SplitsView.lines(try Document.decode([SplitStatus].self, json, verb: verb), style)
    case "workers": return WorkersView.lines(try Document.decode([WorkerStatus].self, json, verb: verb), style)
    case "schema": return SchemaView.lines(try Document.decode([SchemaStatus].self, json, verb: verb), style)
    default: return [outcome(verb: verb, pipeline: pipeline, json: json)]
    }
  }

  /// What a command has done, such as `shop: scaled; state snapshot`. The state is told when the answer holds it.
  private static func outcome(verb: String, pipeline: String, json: String) -> String {
    struct Head: Decodable {
      var name: String?
      var state: String?
    }
    let head = try? JSONDecoder().decode(Head.self, from: Data(json.utf8))
    let done = [
      "submit": "submitted", "scale": "scaled", "pause": "asked to pause", "resume": "resumed",
      "stop": "asked to stop", "drop": "dropped",
    ]
    let name = head?.name ?? pipeline
    let text = name.isEmpty ? done[verb] ?? verb : "\(name): \(done[verb] ?? verb)"
    return PlainText.visible(head?.state.map { "\(text); state \($0)" } ?? text)
  }
}
