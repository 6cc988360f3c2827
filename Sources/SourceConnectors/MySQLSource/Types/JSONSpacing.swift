import Model

/// The blanks that MySQL puts behind the colons and commas of a JSON document's text.
enum JSONSpacing {
  /// Sets a column of the row being written to a document's text without the blanks between its tokens.
  static func set(_ column: Int, compacting text: UnsafeRawBufferPointer, in batch: inout RowBatch) {
    let target = batch.reserveBytes(column, count: text.count)
    var written = 0
    var isInString = false
    var index = 0
    while index < text.count {
      let byte = text[index]
      index &+= 1
      if byte == 0x20, !isInString { continue }
      target.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
      written &+= 1
      if byte == 0x22 {
        isInString.toggle()
      } else if byte == 0x5c, isInString, index < text.count {
        // What is escaped neither ends the string nor escapes.
        target.storeBytes(of: text[index], toByteOffset: written, as: UInt8.self)
        written &+= 1
        index &+= 1
      }
    }
    batch.trimBytes(column, count: text.count &- written)
  }
}
