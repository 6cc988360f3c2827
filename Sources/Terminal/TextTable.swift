/// A table of text with aligned columns, two spaces apart, without rules and without spaces at the end of a line.
public struct TextTable: Sendable {
  /// A column's head, and the side on which its cells stand.
  public struct Column: Sendable {
    var title: String
    var alignsRight: Bool

    /// A column of words.
    public static func left(_ title: String) -> Column { Column(title: title, alignsRight: false) }
    /// A column of figures.
    public static func right(_ title: String) -> Column { Column(title: title, alignsRight: true) }
  }

  /// One cell: its text, made visible, and its tone.
  public struct Cell: Sendable, ExpressibleByStringLiteral {
    var text: String
    var tone: Style.Tone

    /// Makes a cell; control characters become escapes.
    public init(_ text: String, _ tone: Style.Tone = .normal) {
      self.text = PlainText.visible(text)
      self.tone = tone
    }

    /// A cell of normal tone.
    public init(stringLiteral text: String) { self.init(text) }
  }

  private let columns: [Column]
  private var rows: [[Cell]] = []

  /// An empty table.
  public init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row; missing cells are empty.
  public mutating func add(_ cells: [Cell]) {
    rows.append(cells + Array(repeating: "", count: max(0, columns.count - cells.count)))
  }

  /// The head and the rows.
  public func lines(_ style: Style) -> [String] {
    let head = columns.map { Cell($0.title.uppercased(), .faint) }
    let all = [head] + rows
    let widths = columns.indices.map { column in all.map { PlainText.width($0[column].text) }.max() ?? 0 }
    return all.map { line($0, widths, style) }
  }

  private func line(_ cells: [Cell], _ widths: [Int], _ style: Style) -> String {
    var result = ""
    var owed = 0  // spaces that are written only once text follows them
    for (index, column) in columns.enumerated() {
      let cell = cells[index]
      let gap = widths[index] - PlainText.width(cell.text)
      if index > 0 { owed += 2 }
      if column.alignsRight { owed += gap }
      if !cell.text.isEmpty {
        result += String(repeating: " ", count: owed) + style.paint(cell.text, cell.tone)
        owed = 0
      }
      if !column.alignsRight { owed += gap }
    }
    return result
  }
}
