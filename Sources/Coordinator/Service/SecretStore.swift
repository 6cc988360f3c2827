import FoundationEssentials
import Glibc
import Platform

/// Literal secrets of submitted pipelines, by pipeline: a file that only its owner can read, beside the journal and
/// never in it.
///
/// One thread at a time.
final class SecretStore {
  private let path: String
  private var secrets: [String: [String: String]]

  /// Reads what is stored.
  /// - Throws: when the file cannot be read.
  init(directory: String) throws(JournalError) {
    path = directory + "/secrets.json"
    guard access(path, F_OK) == 0 else {
      secrets = [:]
      return
    }
    do {
      secrets = try JSONDecoder().decode([String: [String: String]].self, from: Data(contentsOf: URL(filePath: path)))
    } catch {
      throw JournalError(description: "cannot read \(path): \(error)")
    }
    for value in secrets.values.flatMap(\.values) { Secrets.register(value) }
  }

  /// The secrets of a pipeline.
  subscript(pipeline: String) -> [String: String] { secrets[pipeline] ?? [:] }

  /// Stores or (empty) removes a pipeline's secrets, durably, before it returns.
  /// - Throws: when the file cannot be written.
  func set(_ values: [String: String], for pipeline: String) throws(JournalError) {
    if secrets[pipeline] ?? [:] == values { return }
    secrets[pipeline] = values.isEmpty ? nil : values
    do {
      try DurableFile.replace(path, with: [UInt8](try JSONEncoder().encode(secrets)), mode: 0o600)
    } catch {
      throw JournalError(description: "cannot write \(path): \(error)")
    }
  }
}
