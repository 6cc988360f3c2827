import Glibc
import Platform
import Terminal

// Before any thread: the signals must be blocked in all of them, and the heap's form is fixed when they start.
Signals.block()
Memory.limitArenas()

let status = Program(arguments: Array(CommandLine.arguments.dropFirst()), environment: Program.environment()).run()
exit(status.rawValue)
