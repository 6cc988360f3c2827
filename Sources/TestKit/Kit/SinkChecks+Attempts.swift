import Connector
import Model
import Platform

extension SinkConformance {
  static let attemptChecks: [SinkCheck] = [
    SinkCheck("a later attempt keeps an earlier one from writing", needs: [.fencing]) { bench in
      try bench.create(orders)
      let old = try bench.writer(attempt: 1)
      defer { old.close() }
      try bench.write([.insert([1, "a", 10])], to: orders, with: old)
      try bench.commit(old, rows: 1)
      let new = try bench.writer(attempt: 3)
      defer { new.close() }
      try bench.expectError([.fenced], "the old attempt's next commit") {
        try bench.write([.insert([2, "zombie", 0])], to: orders, with: old)
        try bench.commit(old, rows: 2)
      }
      old.abort()
      try bench.expectError([.fenced], "progress of the old attempt alone") { try bench.commit(old, rows: 2) }
      try bench.expectError([.fenced], "a second attempt that comes late") { try bench.writer(attempt: 2).close() }
      try bench.write([.insert([3, "c", 30])], to: orders, with: new)
      try bench.commit(new, rows: 1)
      if bench.isReadable { try bench.expect(orders, [["1", "a", "10"], ["3", "c", "30"]], "rows") }
    },
    SinkCheck("attempts at other splits and pipelines are no concern", needs: [.fencing]) { bench in
      try bench.create(orders)
      let one = try bench.writer(split: 1, attempt: 1)
      defer { one.close() }
      try bench.writer(split: 2, attempt: 5).close()
      let foreign = AttemptID(pipeline: "other", split: 1, attempt: 9)
      try bench.probe.makeSink().openWriter(foreign).close()
      try bench.write([.insert([1, "a", 10])], to: orders, with: one)
      try bench.commit(one, rows: 1)
    },
    SinkCheck("a committable that was called lost cannot be committed after all", needs: [.fencing, .recovery]) {
      bench in
      try bench.create(orders)
      let writer = try bench.writer()
      defer { writer.close() }
      try bench.write([.insert([1, "a", 10])], to: orders, with: writer)
      let committed = try bench.commit(writer, rows: 1)
      var supposed = committed
      supposed.sequence = 2
      let committer = try bench.probe.makeSink().openCommitter()
      defer { committer.close() }
      try bench.expect(try committer.commit(supposed), .lost, "commit of what was never prepared")
      try bench.expectError([.fenced], "the writer's next commit") {
        try bench.write([.insert([2, "zombie", 0])], to: orders, with: writer)
        try bench.commit(writer, rows: 2)
      }
      try bench.expect(try committer.commit(committed), .committed, "commit of what was committed")
      try bench.writer(attempt: 2).close()
    },
    SinkCheck("progress is known again after a crash between any two calls", needs: [.recovery]) { bench in
      try bench.create(orders)
      try bench.expect(try recovered(bench, attempt: 1), nil, "progress before the first commit")
      for (number, step) in CrashStep.allCases.enumerated() {
        let split = 10 + number
        let before = bench.progress("before", 1)
        let after = bench.progress("after", 2, isFinal: true)
        let writer = try bench.writer(split: split)
        try bench.write([.insert([.integer(Int64(number)), "x", 1])], to: orders, with: writer)
        try bench.expect(try writer.commit(try writer.prepare(before)), .committed, "first commit")
        if step != .afterFirst {
          try bench.write([.insert([.integer(Int64(number)), "y", 2])], to: orders, with: writer)
          if step != .afterWrite {
            let committable = try writer.prepare(after)
            if step == .afterCommit { _ = try writer.commit(committable) }
          }
        }
        writer.close()
        let isDone = step == .afterCommit
        try bench.expect(
          try recovered(bench, split: split, attempt: 2), isDone ? after : before, "progress after \(step)")
      }
      if bench.isReadable {
        let wanted = CrashStep.allCases.enumerated().map { number, step in
          ["\(number)", step == .afterCommit ? "y" : "x", step == .afterCommit ? "2" : "1"]
        }
        try bench.expect(orders, wanted, "rows")
      }
    },
    SinkCheck("what a chunk has left unread is known again", needs: [.recovery]) { bench in
      let keys: [[KeyPart]?] = [
        nil, [.integer(-5)], [.unsigned(.max), .text("a|b,-\u{0}é"), .bytes([0, 0xff])], [.text("")],
      ]
      for (number, lower) in keys.enumerated() {
        let split = 20 + number
        var progress = bench.progress("left", 1, isFinal: true)
        progress.remainder = ChunkRange(columns: ["id", "a,|b"], lower: lower, upper: keys[(number + 1) % keys.count])
        let writer = try bench.writer(split: split)
        _ = try writer.commit(try writer.prepare(progress))
        writer.close()
        try bench.expect(try recovered(bench, split: split, attempt: 2), progress, "progress with a remainder")
      }
    },
    SinkCheck("progress moves on without rows", needs: [.recovery]) { bench in
      let writer = try bench.writer()
      for number in 1...3 { try bench.commit(writer, offset: "idle\(number)") }
      writer.close()
      try bench.expect(try recovered(bench, attempt: 2), bench.progress("idle3"), "progress after idle commits")
    },
    SinkCheck("an attempt that commits nothing leaves its predecessor's progress", needs: [.recovery]) { bench in
      let writer = try bench.writer()
      try bench.commit(writer, offset: "first")
      writer.close()
      for attempt in 2...4 {
        try bench.expect(try recovered(bench, attempt: attempt), bench.progress("first"), "progress")
      }
    },
    SinkCheck("two writers commit in turn, many times") { bench in
      try bench.create(orders)
      try runTwoWriters(bench)
      if bench.isReadable {
        let wanted = (0..<2).flatMap { writer in (0..<200).map { ["\(writer * 1000 + $0)", "w\(writer)", "1"] } }
        try bench.expect(orders, wanted, "rows of both writers")
      }
    },
  ]

  private enum CrashStep: CaseIterable { case afterFirst, afterWrite, afterPrepare, afterCommit }

  private static func recovered(_ bench: SinkBench, split: Int = 1, attempt: Int) throws -> SplitProgress? {
    let writer = try bench.writer(split: split, attempt: attempt)
    defer { writer.close() }
    return writer.recovered
  }

  /// Each of two threads writes 200 rows in 40 commits, at the same time.
  private static func runTwoWriters(_ bench: SinkBench) throws {
    let failures = Monitor<[String]>([])
    let probe = bench.probe
    let threads = (0..<2).map { number in
      DedicatedThread(name: "writer-\(number)") {
        do {
          let own = try SinkBench(probe)
          let writer = try own.writer(split: number)
          defer { writer.close() }
          for start in stride(from: 0, to: 200, by: 5) {
            for id in start..<start + 5 {
              let row = SinkTestRow.insert([.integer(Int64(number * 1000 + id)), .text("w\(number)"), 1])
              try own.write([row], to: orders, with: writer)
            }
            try own.commit(writer, rows: start + 5)
          }
        } catch {
          failures.update { $0.append("writer \(number): \(error)") }
        }
      }
    }
    for thread in threads { thread.join() }
    try bench.expect(failures.withLock { $0 }, [], "failures of two writers at once")
  }
}
