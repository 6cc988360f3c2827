import Connector
import Glibc
import Platform

/// Where `${env:NAME}`, `${file:PATH}` and `${secret:KEY}` in a pipeline file get their texts from.
public struct ValueResolver: Sendable {
  /// The value of an environment variable, nil when it is not set.
  public var environment: @Sendable (_ name: String) -> String?
  /// The content of a file, without the newline at its end.
  /// - Throws: `configuration` when it cannot be read; the message does not show the content.
  public var file: @Sendable (_ path: String) throws(ConnectorError) -> String
  /// A value that `PipelineDefinition.seal` has taken out, nil when the key is unknown.
  public var secret: @Sendable (_ key: String) -> String?

  /// Makes a resolver.
  public init(
    environment: @escaping @Sendable (String) -> String?,
    file: @escaping @Sendable (String) throws(ConnectorError) -> String,
    secret: @escaping @Sendable (String) -> String? = { _ in nil }
  ) {
    self.environment = environment
    self.file = file
    self.secret = secret
  }

  /// This process's environment and files (regular files of up to 1 MiB of UTF-8); knows no sealed secrets.
  public static let live = ValueResolver(
    environment: { name in getenv(name).map { String(cString: $0) } },
    file: { path throws(ConnectorError) in
      var content = try RegularFile.text(at: path, limit: 1 << 20)
      if content.last?.isNewline == true { content.removeLast() }
      return content
    })

  /// The same resolver, with sealed secrets.
  public func with(secrets: [String: String]) -> ValueResolver {
    var result = self
    result.secret = { secrets[$0] }
    return result
  }
}

/// Reads files whole, within a bound.
enum RegularFile {
  /// The content of a file that must be regular, UTF-8 and no longer than `limit` bytes.
  static func text(at path: String, limit: Int) throws(ConnectorError) -> String {
    guard let text = String(validating: try bytes(at: path, limit: limit), as: UTF8.self) else {
      throw ConnectorError(.configuration, "file \(path) is not UTF-8 text")
    }
    return text
  }

  /// The content of a file that must be regular and no longer than `limit` bytes.
  static func bytes(at path: String, limit: Int) throws(ConnectorError) -> [UInt8] {
    guard !path.utf8.contains(0) else { throw ConnectorError(.configuration, "a file's name holds a NUL character") }
    // Non-blocking, so that opening a pipe nobody writes to does not hang; regular files do not care.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("examine", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw ConnectorError(.configuration, "\(path) is not a regular file")
    }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure("read", path) }
      if count == 0 { return content }
      content += chunk[..<count]
      guard content.count <= limit else {
        throw ConnectorError(.configuration, "file \(path) is larger than \(limit >> 10) KiB")
      }
    }
  }

  private static func failure(_ verb: String, _ path: String) -> ConnectorError {
    ConnectorError(.configuration, "cannot \(verb) file \(path): \(String(cString: strerror(errno)))")
  }
}
