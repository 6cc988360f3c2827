import Connector
import Model

/// One entry of a pipeline file's `route` list.
public struct RouteRule: Sendable, Hashable {
  /// `source-table`: which source tables it concerns (see `TableSelector.Style.route`).
  public var sourceTable: String
  /// `sink-table`: where they go; may hold the replace symbol, or `$1` … for the selector's groups.
  public var sinkTable: String
  /// `replace-symbol`: what is replaced by the source table's own name.
  public var replaceSymbol: String?
  /// `description`, for people.
  public var description: String?

  /// Makes a rule.
  public init(sourceTable: String, sinkTable: String, replaceSymbol: String? = nil, description: String? = nil) {
    self.sourceTable = sourceTable
    self.sinkTable = sinkTable
    self.replaceSymbol = replaceSymbol
    self.description = description
  }
}

/// Says to which sink tables a source table's rows go, as Flink CDC's `TableIdRouter` does.
public struct TableRouter: Sendable {
  private struct Route {
    var selector: TableSelector
    var template: SinkTableTemplate
  }

  private let routes: [Route]
  private let mode: RouteMode

  /// Compiles the rules.
  /// - Throws: `configuration` for a selector that is no pattern, and for a sink table that does not fit it.
  public init(_ routes: [RouteRule], mode: RouteMode) throws(ConnectorError) {
    var compiled: [Route] = []
    for rule in routes {
      let selector = try TableSelector(rule.sourceTable, style: .route)
      let template = try SinkTableTemplate(
        rule.sinkTable, replaceSymbol: rule.replaceSymbol, groupCount: selector.groupCount)
      compiled.append(Route(selector: selector, template: template))
    }
    self.routes = compiled
    self.mode = mode
  }

  /// The sink tables, at least one: the table itself when no rule matches; in the order of the rules, each once.
  public func targets(for table: TableID) -> [TableID] {
    var targets: [TableID] = []
    for route in routes where route.selector.matches(table) {
      guard let captures = route.selector.captures(table) else { continue }
      let target = route.template.fill(table: table, captures: captures)
      // Two rules with the same result must not write every row twice.
      if !targets.contains(target) { targets.append(target) }
      if mode == .firstMatch { break }
    }
    return targets.isEmpty ? [table] : targets
  }

  /// Checks a source table before its rows are sent anywhere: a group that captured nothing may leave a part of the
  /// sink table's name empty.
  /// - Throws: `configuration` that names the table.
  public func check(_ table: TableID) throws(ConnectorError) {
    for target in targets(for: table) where target.parts.contains("") {
      throw ConnectorError(
        .configuration, "a route leads to \"\(target)\", a sink table name with an empty part", table: table,
        remedy: "change the route's source-table so that the group used in sink-table is never empty")
    }
  }
}

/// A route's `sink-table`, taken apart.
struct SinkTableTemplate: Sendable {
  private enum Piece: Sendable {
    case literal(String)
    case tableName
    case group(Int)
  }

  /// Parts of the name, outermost first; one to three.
  private var parts: [[Piece]] = [[]]

  /// Takes the text apart.
  /// - Throws: `configuration` when it uses both ways of replacement, a group that does not exist, or has a wrong number
  ///   of parts.
  init(_ text: String, replaceSymbol: String?, groupCount: Int) throws(ConnectorError) {
    if let replaceSymbol {
      guard !replaceSymbol.isEmpty else { throw ConnectorError(.configuration, "the replace symbol is empty") }
      try readSymbol(text, replaceSymbol)
    } else {
      try readGroups(text, groupCount: groupCount)
    }
    guard parts.count <= 3 else {
      throw ConnectorError(.configuration, "sink table \"\(text)\" has more than three parts")
    }
    guard parts.allSatisfy({ !$0.isEmpty }) else {
      throw ConnectorError(.configuration, "sink table \"\(text)\" has an empty part")
    }
  }

  /// The sink table for a source table that the selector matches.
  func fill(table: TableID, captures: [String]) -> TableID {
    let names = parts.map { pieces in
      pieces.reduce(into: "") { name, piece in
        switch piece {
        case .literal(let text): name += text
        case .tableName: name += table.table
        case .group(let index): name += index < captures.count ? captures[index] : ""
        }
      }
    }
    switch names.count {
    case 1: return TableID(table: names[0])
    case 2: return TableID(schema: names[0], table: names[1])
    default: return TableID(namespace: names[0], schema: names[1], table: names[2])
    }
  }

  private mutating func readSymbol(_ text: String, _ symbol: String) throws(ConnectorError) {
    var rest = text[...]
    while !rest.isEmpty {
      if rest.hasPrefix(symbol) {
        append(.tableName)
        rest = rest.dropFirst(symbol.count)
        continue
      }
      let character = rest.removeFirst()
      if character == "$", let next = rest.first, next.isASCII, next.isNumber {
        throw ConnectorError(
          .configuration, "sink table \"\(text)\" uses a group ($\(next)) beside the replace symbol",
          remedy: "use one of the two")
      }
      append(character)
    }
  }

  /// Java's replacement text: `$1` is group 1, further digits count while there are that many groups; `\$` is a dollar.
  private mutating func readGroups(_ text: String, groupCount: Int) throws(ConnectorError) {
    var rest = text[...]
    while let character = rest.popFirst() {
      if character == "\\" {
        guard let escaped = rest.popFirst() else {
          throw ConnectorError(.configuration, "sink table \"\(text)\" ends with a single backslash")
        }
        append(.literal(String(escaped)))
      } else if character == "$" {
        guard var group = rest.first.flatMap(Self.digit) else {
          throw ConnectorError(
            .configuration, "sink table \"\(text)\" has a $ without the number of a group",
            remedy: "write \\$ for a dollar sign")
        }
        rest.removeFirst()
        while let digit = rest.first.flatMap(Self.digit), group * 10 + digit <= groupCount {
          group = group * 10 + digit
          rest.removeFirst()
        }
        guard group <= groupCount else {
          throw ConnectorError(
            .configuration, "sink table \"\(text)\" uses group $\(group), but source-table has \(groupCount)",
            remedy: "put parentheses around what the group shall capture")
        }
        append(.group(group))
      } else {
        append(character)
      }
    }
  }

  private static func digit(_ character: Character) -> Int? { character.isASCII ? character.wholeNumberValue : nil }

  /// A character of the text itself; a dot begins the next part.
  private mutating func append(_ character: Character) {
    if character == "." { parts.append([]) } else { append(.literal(String(character))) }
  }

  private mutating func append(_ piece: Piece) {
    if case .literal(let text) = piece, case .literal(let before)? = parts[parts.count - 1].last {
      parts[parts.count - 1][parts[parts.count - 1].count - 1] = .literal(before + text)
    } else {
      parts[parts.count - 1].append(piece)
    }
  }
}
