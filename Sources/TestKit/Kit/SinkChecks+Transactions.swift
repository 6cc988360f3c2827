import Connector
import Model
import Platform

extension SinkConformance {
  static let transactionChecks: [SinkCheck] = [
    SinkCheck("nothing is visible before the commit", needs: [.readable], visibilities: [.atomic]) { bench in
      try bench.create(orders)
      let writer = try bench.writer()
      defer { writer.close() }
      try bench.write([.insert([1, "a", 10])], to: orders, with: writer)
      try bench.expect(orders, [], "rows before prepare")
      let committable = try writer.prepare(bench.progress("o1", 1))
      try bench.expect(orders, [], "rows before commit")
      try bench.expect(try writer.commit(committable), .committed, "commit")
      try bench.expect(orders, [["1", "a", "10"]], "rows after commit")
    },
    SinkCheck("abort leaves nothing, before and after prepare", needs: [.readable], visibilities: [.atomic]) { bench in
      try bench.create(orders)
      let writer = try bench.writer()
      defer { writer.close() }
      try bench.write([.insert([1, "a", 10])], to: orders, with: writer)
      writer.abort()
      try bench.write([.insert([2, "b", 20])], to: orders, with: writer)
      _ = try writer.prepare(bench.progress("o1", 1))
      writer.abort()
      writer.abort()
      try bench.write([.insert([3, "c", 30])], to: orders, with: writer)
      try bench.commit(writer, rows: 1, offset: "o2")
      try bench.expect(orders, [["3", "c", "30"]], "rows after two aborts and a commit")
    },
    SinkCheck("abort and close may come at any time, and more than once") { bench in
      try bench.create(orders)
      let writer = try bench.writer()
      writer.abort()
      try bench.write([.insert([1, "a", 10])], to: orders, with: writer)
      writer.close()
      writer.abort()
      writer.close()
      let other = try bench.writer(split: 2)
      other.close()
      other.close()
    },
    SinkCheck("a committable is numbered, names its attempt and carries its progress") { bench in
      try bench.create(orders)
      let writer = try bench.writer(split: 4, attempt: 3)
      defer { writer.close() }
      for sequence in 1...3 {
        try bench.write([.insert([.integer(Int64(sequence)), "a", 1])], to: orders, with: writer)
        let progress = bench.progress("o\(sequence)", sequence)
        let committable = try writer.prepare(progress)
        let attempt = AttemptID(pipeline: SinkBench.pipeline, split: 4, attempt: 3)
        try bench.expect(committable.attempt, attempt, "attempt")
        try bench.expect(committable.sequence, sequence, "sequence")
        try bench.expect(committable.progress.offset, progress.offset, "offset")
        try bench.expect(try writer.commit(committable), .committed, "commit")
      }
    },
    SinkCheck("a commit may be repeated, by the writer and by others") { bench in
      try bench.create(orders)
      let writer = try bench.writer()
      try bench.write([.insert([1, "a", 10])], to: orders, with: writer)
      let first = try bench.commit(writer, rows: 1)
      try bench.expect(try writer.commit(first), .committed, "the writer's second commit")
      try bench.write([.insert([2, "b", 20])], to: orders, with: writer)
      let second = try bench.commit(writer, rows: 2)
      writer.close()
      let committer = try bench.probe.makeSink().openCommitter()
      defer { committer.close() }
      for committable in [first, second, second] {
        try bench.expect(try committer.commit(committable), .committed, "commit of \(committable.sequence) by another")
      }
      try committer.abort(second)
      try bench.expect(try committer.commit(second), .committed, "commit after an abort that came too late")
      if bench.isReadable { try bench.expect(orders, [["1", "a", "10"], ["2", "b", "20"]], "rows") }
    },
    SinkCheck("what a dead writer prepared is committed by another, or lost, for good") { bench in
      try bench.create(orders)
      let writer = try bench.writer()
      try bench.write([.insert([1, "a", 10])], to: orders, with: writer)
      let committable = try writer.prepare(bench.progress("o1", 1))
      writer.close()
      let survives = bench.guarantees.preparedSurvivesWriter
      let committer = try bench.probe.makeSink().openCommitter()
      defer { committer.close() }
      for _ in 0..<2 {
        try bench.expect(try committer.commit(committable), survives ? .committed : .lost, "commit by another")
      }
      try bench.expect(try committer.lingeringLabels(pipeline: SinkBench.pipeline), [], "lingering labels")
      if bench.isReadable && bench.guarantees.visibility == .atomic {
        try bench.expect(orders, survives ? [["1", "a", "10"]] : [], "rows")
      }
    },
    SinkCheck(
      "a full disk fails the transaction, leaves nothing half written, and a later try succeeds",
      needs: [.readable, .recovery], visibilities: [.atomic]
    ) { bench in
      guard let full = try bench.probe.makeFullSink() else { return }
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10])], to: orders, split: 1)
      let writer = try full.openWriter(AttemptID(pipeline: SinkBench.pipeline, split: 2, attempt: 1))
      defer { writer.close() }
      let text = String(repeating: "x", count: 1000)
      let rows = (1...4000).map { SinkTestRow.insert([.integer(Int64($0)), .text(text), 1]) }
      try bench.expectError([.resource], "writing to a full disk") {
        for start in stride(from: 0, to: rows.count, by: 500) {
          try bench.write(Array(rows[start..<start + 500]), to: orders, with: writer)
        }
        try bench.commit(writer, rows: rows.count)
      }
      try bench.expectError([.bug], "going on after the failure") {
        try bench.write([], to: orders, with: writer)
        _ = try writer.prepare(bench.progress("o", 1))
      }
      try bench.expect(orders, [["1", "a", "10"]], "rows after the failure")
      try bench.commit(rows, to: orders, split: 2, attempt: 2)
      try bench.expect(orders, rows.indices.map { ["\($0 + 1)", text, "1"] }, "rows after the second try")
    },
  ]
}
