//! The `caiso` binary.

fn main() -> std::process::ExitCode {
    caiso_cli::main()
}
