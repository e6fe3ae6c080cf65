//! Turns the YAML catalogs into JSON, which loads an order of magnitude faster at run time.

#![allow(clippy::disallowed_methods, reason = "a build script reads files and the environment")]

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["atlas", "mapping"] {
        let path = format!("../../catalogs/atlas/{name}.yaml");
        println!("cargo::rerun-if-changed={path}");
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let value: serde_json::Value =
            serde_saphyr::from_str(&text).map_err(|error| format!("{path}: {error}"))?;
        fs::write(Path::new(&out).join(name).with_extension("json"), serde_json::to_vec(&value)?)?;
    }
    Ok(())
}
