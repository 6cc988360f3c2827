import Glibc

/// What the program needs of the file system.
enum Files {
  /// A file's bytes; none when it cannot be read.
  static func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
  }

  /// Writes a file; the program ends when it cannot.
  static func write(_ bytes: [UInt8], to path: String) {
    guard let file = fopen(path, "w") else {
      perror(path)
      exit(1)
    }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  static func makeFolder(_ path: String) { mkdir(path, 0o755) }
}

/// Ends the program with the status of wrong usage.
func exitWithUsage() { exit(2) }
