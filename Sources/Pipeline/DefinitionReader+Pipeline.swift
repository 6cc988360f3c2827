import Connector

extension DefinitionReader {
  /// The `pipeline` block as read.
  struct PipelinePart {
    var name: String
    var settings: PipelineSettings
    /// The key `execution.runtime-mode`, for messages.
    var runtimeModeKey: YAMLNode?
  }

  /// Every key of the block, but for those whose value is not a scalar.
  static let pipelineSpecs: [OptionSpec] = [
    OptionSpec("name", .text, "The pipeline's name"),
    OptionSpec("parallelism", .integer(1...1024), "Splits that may run at once"),
    OptionSpec("execution.runtime-mode", .choice(RuntimeMode.allCases.map(\.rawValue)), "Whether the pipeline ends"),
    OptionSpec(
      "schema.change.behavior", .choice(SchemaChangeBehavior.allCases.map(\.rawValue)),
      "What becomes of schema changes"),
    OptionSpec("route-mode", .choice(RouteMode.allCases.map(\.rawValue)), "What happens when several routes match"),
    OptionSpec("local-time-zone", .text, "Time zone of times without one"),
    OptionSpec("schema-operator.rpc-timeout", .duration, "How long a schema change may take"),
    OptionSpec("tail.parallelism", .integer(1...64), "Splits that share the log"),
    OptionSpec("commit.interval", .duration, "How often a tail commits"),
    OptionSpec(
      "operator.uid.prefix", support: .ignored(reason: "it names Flink's operators, which do not exist here"), ""),
    OptionSpec(
      "schema.operator.uid", support: .ignored(reason: "it names one of Flink's operators, which do not exist here"),
      ""),
    OptionSpec(
      "sink.partitioning.strategy",
      support: .ignored(reason: "rows are not redistributed between workers, so there is nothing to choose"), ""),
    OptionSpec(
      "transform.decimal.precision.mode",
      support: .ignored(reason: "it concerns transforms, which the file cannot have"),
      ""),
  ]

  private static let unsupportedKeys = ["user-defined-function", "model"]

  mutating func pipelineBlock(_ entry: YAMLEntry?) throws(DefinitionError) -> PipelinePart {
    guard let entry, !entry.value.isNull else {
      return PipelinePart(name: Self.defaultName(file: file), settings: PipelineSettings())
    }
    let entries = try mapping(entry.value, entry.key)
    for key in Self.unsupportedKeys {
      guard let found = entries.first(where: { $0.key == key }), !Self.isEmpty(found.value) else { continue }
      throw fault(found.keyNode, "\(entry.key).\(key)", "\(key) is not supported yet")
    }
    let values = try options(
      entries, specs: Self.pipelineSpecs, secretSpecs: [], ownKeys: Self.unsupportedKeys, entry.key)
    func node(_ key: String) -> YAMLNode { entries.first { $0.key == key }?.value ?? entry.value }
    if let name = values["name"], !Self.isName(name) {
      throw fault(
        node("name"), "\(entry.key).name",
        "a pipeline's name has 1 to 128 letters, digits, blanks, `_`, `.` and `-`, and begins with a letter or digit")
    }
    let settings = try settings(values, entry.key, node)
    let runtimeModeKey = entries.first { $0.key == "execution.runtime-mode" }?.keyNode
    return PipelinePart(
      name: values["name"] ?? Self.defaultName(file: file), settings: settings, runtimeModeKey: runtimeModeKey)
  }

  private func settings(
    _ values: [String: String], _ path: String, _ node: (String) -> YAMLNode
  ) throws(DefinitionError) -> PipelineSettings {
    var settings = PipelineSettings()
    func choice<T: RawRepresentable<String>>(_ key: String, _ standard: T) -> T {
      values[key].flatMap(T.init(rawValue:)) ?? standard
    }
    settings.parallelism = values["parallelism"].flatMap { Int($0) } ?? settings.parallelism
    settings.runtimeMode = choice("execution.runtime-mode", settings.runtimeMode)
    settings.schemaChangeBehavior = choice("schema.change.behavior", settings.schemaChangeBehavior)
    settings.routeMode = choice("route-mode", settings.routeMode)
    settings.tailParallelism = values["tail.parallelism"].flatMap { Int($0) } ?? settings.tailParallelism
    if let zone = values["local-time-zone"], zone != "systemDefault" {
      guard Self.isTimeZone(zone) else {
        throw fault(
          node("local-time-zone"), "\(path).local-time-zone", "the value is no time zone, such as Europe/Paris")
      }
      settings.localTimeZone = zone
    }
    func duration(_ key: String, _ range: ClosedRange<Int64>, _ standard: Int64) throws(DefinitionError) -> Int64 {
      guard let milliseconds = values[key].flatMap(OptionText.milliseconds) else { return standard }
      guard range.contains(milliseconds) else {
        throw fault(
          node(key), "\(path).\(key)",
          "the duration is out of range, which is \(range.lowerBound) ms to "
            + "\(range.upperBound / 1000) s")
      }
      return milliseconds
    }
    settings.schemaOperatorTimeoutMilliseconds = try duration(
      "schema-operator.rpc-timeout", 1...86_400_000, settings.schemaOperatorTimeoutMilliseconds)
    settings.commitIntervalMilliseconds = try duration(
      "commit.interval", 1...3_600_000, settings.commitIntervalMilliseconds)
    return settings
  }

  func checkRuntimeMode(_ pipeline: PipelinePart, _ source: ConnectorPart) throws(DefinitionError) {
    guard pipeline.settings.runtimeMode == .batch, let key = pipeline.runtimeModeKey else { return }
    guard source.options["scan.startup.mode"]?.lowercased() == "snapshot" else {
      throw fault(
        key, "pipeline.execution.runtime-mode", "BATCH needs a source that ends: `scan.startup.mode: snapshot`")
    }
  }

  // MARK: Names

  private static func isNameByte(_ byte: UInt8, first: Bool) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: " "), UInt8(ascii: "-"): !first
    default: false
    }
  }

  static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 128 else { return false }
    return isNameByte(first, first: true) && name.utf8.allSatisfy { isNameByte($0, first: false) }
  }

  /// The file's base name without `.yaml` or `.yml`, made a valid name.
  static func defaultName(file: String) -> String {
    var base = file.split(separator: "/").last.map(String.init) ?? ""
    for ending in [".yaml", ".yml"] where base.lowercased().hasSuffix(ending) {
      base.removeLast(ending.count)
      break
    }
    var name: [UInt8] = []
    for byte in base.utf8.prefix(128) {
      if name.isEmpty, !isNameByte(byte, first: true) { continue }
      name.append(isNameByte(byte, first: false) ? byte : UInt8(ascii: "-"))
    }
    return name.isEmpty ? "pipeline" : String(decoding: name, as: UTF8.self)
  }

  private static func isTimeZone(_ zone: String) -> Bool {
    (1...64).contains(zone.utf8.count)
      && zone.utf8.allSatisfy { byte in
        isNameByte(byte, first: true) || [UInt8]("_+-/:".utf8).contains(byte)
      }
  }
}
