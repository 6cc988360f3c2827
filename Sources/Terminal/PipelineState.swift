import Wire

/// What a pipeline's state means to somebody who waits for its end.
public enum PipelineState {
  /// Whether nothing will happen any more without an operator.
  public static func hasEnded(_ state: String) -> Bool { ["stopped", "finished", "failed"].contains(state) }
}
