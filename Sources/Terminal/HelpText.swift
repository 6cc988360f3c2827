/// What `--help` prints.
public enum HelpText {
  /// All commands.
  public static func overview() -> String {
    var lines = ["Usage: tidegate COMMAND [ARGUMENT...]", "", "Change data capture from databases into other systems."]
    for group in CommandSpec.Group.allCases {
      lines += ["", "\(group.rawValue):"]
      for command in CommandCatalog.all where command.group == group {
        lines.append("  " + pad(command.name, 13) + command.summary)
      }
    }
    lines += ["", "Exit status: 0 success, 1 failure of the work, 2 wrong usage."]
    lines += ["'tidegate help COMMAND' or 'tidegate COMMAND --help' tells all about a command."]
    return lines.joined(separator: "\n")
  }

  /// One command.
  public static func command(_ spec: CommandSpec) -> String {
    var lines = ["Usage: tidegate \(usage(spec))", "", spec.summary]
    lines += spec.details
    if !spec.operands.isEmpty {
      lines += ["", "Arguments:"]
      for operand in spec.operands { lines += entry(operand.name, operand.summary) }
    }
    lines += ["", "Options:"]
    for parameter in spec.options + CommandCatalog.common {
      lines += entry(head(parameter), summary(parameter))
    }
    lines += entry("-h, --help", "Print this and end.")
    return lines.joined(separator: "\n")
  }

  /// `worker --join HOST:PORT --slots N [--token-file FILE] …`, the options of all commands left out.
  static func usage(_ spec: CommandSpec) -> String {
    var parts = [spec.name]
    parts += spec.operands.map { $0.isOptional ? "[\($0.name)]" : $0.name }
    parts += spec.options.map { $0.isRequired ? head($0) : "[\(head($0))]" }
    return parts.joined(separator: " ")
  }

  private static func head(_ parameter: Parameter) -> String {
    parameter.placeholder.isEmpty ? parameter.name : "\(parameter.name) \(parameter.placeholder)"
  }

  private static func summary(_ parameter: Parameter) -> String {
    var text = parameter.summary
    let fallback = [parameter.environment.map { "$\($0)" }, parameter.defaultValue ?? parameter.otherwise].compactMap {
      $0
    }
    if parameter.isRequired { text += " Required." }
    if !fallback.isEmpty { text += " Default: \(fallback.joined(separator: ", else "))." }
    return text
  }

  /// A name and its explanation, which is wrapped at 100 columns.
  private static func entry(_ name: String, _ summary: String) -> [String] {
    let indent = 31
    var lines: [String] = []
    var line = pad("  \(name)", indent)
    if PlainText.width(line) > indent {
      lines.append("  \(name)")
      line = String(repeating: " ", count: indent)
    }
    var isEmpty = true
    for word in summary.split(separator: " ") {
      if !isEmpty, line.count + 1 + word.count > 100 {
        lines.append(line)
        line = String(repeating: " ", count: indent)
        isEmpty = true
      }
      line += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    return lines + [line]
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(text.isEmpty ? 0 : 1, width - text.count))
  }
}
