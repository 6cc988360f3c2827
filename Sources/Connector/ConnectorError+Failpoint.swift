import Platform

/// A place where a test may kill the process or make a source, a sink or a job fail; see `failpoint`.
/// - Throws: `transient` when a test asked for a failure.
@inline(__always)
public func hitFailpoint(_ name: StaticString) throws(ConnectorError) {
  do throws(FailpointError) {
    try failpoint(name)
  } catch {
    throw ConnectorError(.transient, error.description)
  }
}
