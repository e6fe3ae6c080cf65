//! Statistics, intervals, tests and counter-based random streams.
