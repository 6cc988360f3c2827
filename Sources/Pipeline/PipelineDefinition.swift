import Connector

/// A pipeline file, read, checked and resolved. It holds secrets: never print it whole.
public struct PipelineDefinition: Sendable, Hashable {
  /// `pipeline.name`, or the file's base name: 1 … 128 of `A-Z a-z 0-9 _ . -` and blanks, a letter or digit first.
  public var name: String
  /// `source.type`.
  public var sourceType: String
  /// `source.name`, for people.
  public var sourceName: String?
  /// The source's options, checked against its specifications, defaults filled in.
  public var sourceOptions: Options
  /// `sink.type`.
  public var sinkType: String
  /// `sink.name`, for people.
  public var sinkName: String?
  /// The sink's options, checked against its specifications, defaults filled in.
  public var sinkOptions: Options
  /// `sink.include.schema.changes`: tags and families; empty means all.
  public var includeSchemaChanges: [String]
  /// `sink.exclude.schema.changes`: tags and families. Where the file has none and the behavior is `lenient`, the
  /// default stands here: `drop.table`, `truncate.table`.
  public var excludeSchemaChanges: [String]
  /// The routes, in the file's order.
  public var routes: [RouteRule]
  /// The `pipeline` block.
  public var settings: PipelineSettings
  /// What the user should know: options that are accepted and do nothing.
  public var warnings: [String]
  /// Texts that must not be shown: what `${…}` resolved to and the values of secret options; sorted.
  public var secrets: [String]

  /// Whether a schema change of this tag (`add.column` …; see `SchemaChange.tag`) goes to the sink.
  public func allows(_ tag: String) -> Bool {
    let allowed = SchemaChangeTags.allowed(include: includeSchemaChanges, exclude: excludeSchemaChanges)
    return SchemaChangeTags.requirements(of: tag).allSatisfy { allowed.contains($0) }
  }

  /// Reads a pipeline file's text. What is secret in it is registered with `Secrets`.
  ///
  /// `file` is the file's name for messages, and gives the pipeline its name when the text does not.
  /// - Throws: the first thing that is wrong, with its place.
  public static func parse(
    _ text: String, file: String, registry: ConnectorRegistry, resolver: ValueResolver
  ) throws(DefinitionError) -> PipelineDefinition {
    let root = try YAMLComposer.compose(text, file: file)
    var reader = DefinitionReader(file: file, registry: registry, resolver: resolver)
    do throws(DefinitionError) {
      return try reader.definition(root)
    } catch {
      throw reader.redacted(error)
    }
  }

  /// Reads a pipeline file of at most 1 MiB of UTF-8, for `parse` and `seal`.
  /// - Throws: when it cannot be read, is too large, or where it is not UTF-8.
  public static func read(_ file: String) throws(DefinitionError) -> String {
    func fault(_ message: String, _ mark: YAMLMark) -> DefinitionError {
      DefinitionError(file: file, line: mark.line, column: mark.column, path: "", message: message)
    }
    let bytes: [UInt8]
    do {
      bytes = try RegularFile.bytes(at: file, limit: YAMLComposer.longestText)
    } catch {
      throw fault(error.message, YAMLMark(line: 1, column: 1, offset: 0))
    }
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    let valid = validPrefix(bytes)
    throw fault("the file is not UTF-8 text", bytes.withUnsafeBufferPointer { YAMLParser.place(ofByte: valid, in: $0) })
  }

  /// Number of bytes before the first one that is not UTF-8.
  private static func validPrefix(_ bytes: [UInt8]) -> Int {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var count = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) { count += UTF8.width(scalar) }
    return count
  }
}
