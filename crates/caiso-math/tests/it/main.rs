//! Tests of caiso-math against SciPy, enumeration and laws.

mod laws;
mod oracle;
mod streams;
