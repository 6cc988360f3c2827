import Glibc
import Platform
import Terminal

// Before any thread: the signals must be blocked in all of them.
Signals.block()

let status = Program(arguments: Array(CommandLine.arguments.dropFirst()), environment: Program.environment()).run()
exit(status.rawValue)
