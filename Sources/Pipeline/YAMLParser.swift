import CYAML

/// One step of a YAML text, in Swift's types.
struct YAMLEvent {
  enum Kind {
    case streamStart, streamEnd, documentEnd, sequenceEnd, mappingEnd
    case documentStart(hasTagDirectives: Bool)
    case scalar(String, isPlain: Bool, Properties)
    case sequenceStart(Properties)
    case mappingStart(Properties)
    case alias(String)
  }

  /// What may stand before a node.
  struct Properties {
    var anchor: String?
    var tag: String?
  }

  var kind: Kind
  var start: YAMLMark
  var end: YAMLMark
}

/// libyaml's parser, which owns its memory and reads from a buffer that its creator keeps alive.
///
/// Messages of libyaml are constant texts: they never quote the file, so nothing secret can be in them.
struct YAMLParser: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let bytes: UnsafeBufferPointer<UInt8>
  private let file: String

  /// Prepares to read `bytes`, which must outlive the parser.
  init(_ bytes: UnsafeBufferPointer<UInt8>, file: String) throws(DefinitionError) {
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      throw DefinitionError(file: file, line: 1, column: 1, path: "", message: "out of memory")
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    self.parser = parser
    self.bytes = bytes
    self.file = file
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next event.
  /// - Throws: what libyaml objects to, with its place.
  mutating func next() throws(DefinitionError) -> YAMLEvent {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
    defer { yaml_event_delete(&event) }
    return YAMLEvent(kind: kind(of: event), start: Self.mark(event.start_mark), end: Self.mark(event.end_mark))
  }

  private func kind(of event: yaml_event_t) -> YAMLEvent.Kind {
    switch event.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_DOCUMENT_START_EVENT:
      let directives = event.data.document_start.tag_directives
      return .documentStart(hasTagDirectives: directives.start != directives.end)
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    case YAML_ALIAS_EVENT: return .alias(Self.text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let value = UnsafeBufferPointer(start: scalar.value, count: scalar.value == nil ? 0 : scalar.length)
      return .scalar(
        String(decoding: value, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
        .init(anchor: Self.text(scalar.anchor), tag: Self.text(scalar.tag)))
    case YAML_SEQUENCE_START_EVENT:
      let start = event.data.sequence_start
      return .sequenceStart(.init(anchor: Self.text(start.anchor), tag: Self.text(start.tag)))
    case YAML_MAPPING_START_EVENT:
      let start = event.data.mapping_start
      return .mappingStart(.init(anchor: Self.text(start.anchor), tag: Self.text(start.tag)))
    default: return .streamEnd
    }
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: UnsafePointer($0)) }
  }

  private static func mark(_ mark: yaml_mark_t) -> YAMLMark {
    YAMLMark(line: Int(mark.line) + 1, column: Int(mark.column) + 1, offset: Int(mark.index))
  }

  private func problem() -> DefinitionError {
    let state = parser.pointee
    let problem = state.problem.map { String(cString: $0) } ?? "the text is no YAML"
    var mark = Self.mark(state.problem_mark)
    // The reader knows bytes, not lines.
    if state.error == YAML_READER_ERROR { mark = Self.place(ofByte: Int(state.problem_offset), in: bytes) }
    // libyaml puts the end of a text that has no newline there onto a line of its own.
    let end = Self.place(ofByte: bytes.count, in: bytes)
    if mark.line > end.line { mark = end }
    var message = "YAML: \(problem)"
    if state.error == YAML_MEMORY_ERROR {
      message = "out of memory"
    } else if state.error != YAML_READER_ERROR, let context = state.context {
      message = "YAML: \(String(cString: context)), \(problem)"
      let begin = Self.mark(state.context_mark)
      if begin.line != mark.line { message += " (begun on line \(begin.line))" }
    }
    return DefinitionError(file: file, line: mark.line, column: mark.column, path: "", message: message)
  }

  /// Line and column of a byte.
  static func place(ofByte offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> YAMLMark {
    var mark = YAMLMark(line: 1, column: 1, offset: offset)
    for byte in bytes.prefix(max(0, offset)) {
      if byte == 0x0a {
        mark.line += 1
        mark.column = 1
      } else if byte & 0xc0 != 0x80 {
        mark.column += 1
      }
    }
    return mark
  }
}
