//! Command line: arguments, output, progress.
