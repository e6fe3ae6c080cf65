//! How errors look.

use std::io;

/// Prints an error with its causes, and what to do where a data file knows.
pub(crate) fn print(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("caused by: {cause}");
    }
    let help =
        error.chain().find_map(|cause| cause.downcast_ref::<caiso_data::DataError>()?.help());
    if let Some(help) = help {
        eprintln!("help: {help}");
    }
}

/// Whether the reader of our output went away (`caiso … | head`).
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
    })
}
