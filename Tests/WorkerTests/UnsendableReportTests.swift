import Connector
import Model
import Testing
import Wire

@testable import Worker

@Suite("A report that does not fit a message")
struct UnsendableReportTests {
  @Test("The attempt that waits for the answer ends with the error")
  func ends() throws {
    let context = AttemptContext(
      attempt: AttemptID(pipeline: "p", split: 1, attempt: 1), lease: LeaseClock()
    ) { _ in }
    context.deliver(.notifyAt(Offset("5")))
    context.fail(ConnectorError(.configuration, "it does not fit"))
    let error = #expect(throws: ConnectorError.self) {
      try context.awaitOrder { $0 == .proceed ? true : nil }
    }
    #expect(error?.kind == .configuration)
    #expect(error?.policy == .stop)
    // An order that has come counts before.
    context.deliver(.proceed)
    #expect(try context.awaitOrder { $0 == .proceed ? true : nil })
  }
}
