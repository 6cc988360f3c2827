import CMySQLShim
import Connector
import Glibc
import Platform

/// Lets one thread break off what another one waits for in the client library.
///
/// It owns a *duplicate* of the connection's descriptor, so `shutdown(2)` always meets that connection: the library may
/// close its own descriptor at any moment, and the number may by then belong to somebody else.
final class Interrupter: Sendable {
  private struct State {
    var descriptor: Int32 = -1
    var isInterrupted = false
    /// Why the connection was ended, where it was not wanted.
    var loss: String?
  }

  private let state = Monitor(State())

  deinit { detach() }

  /// Ends the attached connection and every later one. Callable from any thread.
  func interrupt() {
    state.update { state in
      state.isInterrupted = true
      if state.descriptor >= 0 { _ = tg_socket_shutdown(state.descriptor) }
    }
  }

  /// Ends the attached connection, and no later one: what is on its way need not be read. For the connection's thread.
  func sever() {
    state.withLock { state in
      if state.descriptor >= 0 { _ = tg_socket_shutdown(state.descriptor) }
    }
  }

  /// Ends the attached connection, which is of no use for the given reason. Callable from any thread.
  func sever(because reason: String) {
    state.withLock { state in
      guard state.descriptor >= 0 else { return }
      state.loss = reason
      _ = tg_socket_shutdown(state.descriptor)
    }
  }

  /// Why `sever(because:)` has ended the attached connection.
  var loss: String? { state.withLock { $0.loss } }

  /// Milliseconds for which the server has sent nothing, all that had come being read; nil without a connection.
  var silence: Int64? {
    state.withLock { state in
      let silence = tg_socket_silence(state.descriptor)
      return silence < 0 ? nil : silence
    }
  }

  /// Whether `interrupt` has been called.
  var isInterrupted: Bool { state.withLock { $0.isInterrupted } }

  /// Takes over a duplicated descriptor; -1 is allowed and means that there is none.
  func attach(_ descriptor: Int32) {
    detach()
    state.withLock { state in
      state.descriptor = descriptor
      state.loss = nil
      if state.isInterrupted, descriptor >= 0 { _ = tg_socket_shutdown(descriptor) }
    }
  }

  /// Closes the duplicate.
  func detach() {
    state.withLock { state in
      if state.descriptor >= 0 { Glibc.close(state.descriptor) }
      state.descriptor = -1
    }
  }

  /// - Throws: `cancelled` once `interrupt` has been called.
  func check() throws(ConnectorError) {
    if isInterrupted { throw ConnectorError(.cancelled, "the read was interrupted") }
  }

  /// Waits; an interrupt ends it early.
  func pause(milliseconds: Int64) throws(ConnectorError) {
    _ = state.wait(milliseconds: milliseconds) { $0.isInterrupted ? true : nil }
    try check()
  }
}
