//! Reading of `catalogs/globals.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use caiso_core::Severity;

use super::{Catalog, Category, Group, Pair, Row, Use};

/// The file: tables of many names each, since thousands of small ones would take longer to read than
/// a small model takes to scan.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    /// Version in which a group without `since` came.
    since: &'a str,
    /// Names of modules, separated by white space.
    crossings: &'a str,
    #[serde(borrow)]
    python2: Renamed<'a>,
    #[serde(borrow)]
    group: Vec<Table<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renamed<'a> {
    #[serde(borrow)]
    modules: BTreeMap<&'a str, &'a str>,
    /// `module name` to `module name`.
    #[serde(borrow)]
    names: BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table<'a> {
    category: Category,
    import: Option<Severity>,
    call: Option<Severity>,
    #[serde(borrow)]
    reference: Option<&'a str>,
    #[serde(borrow)]
    since: Option<&'a str>,
    /// Module to names, separated by white space.
    #[serde(borrow)]
    globals: BTreeMap<&'a str, &'a str>,
}

/// What is wrong with a catalog.
#[derive(Debug, thiserror::Error)]
pub(super) enum CatalogError {
    #[error("the catalog is no valid TOML of the expected shape")]
    Toml(#[from] toml::de::Error),
    #[error("`{module}` is allowed with everything in it; list the names")]
    AllowedWildcard { module: &'static str },
    #[error("`{0}` is not a module and a name separated by one space")]
    Renamed(&'static str),
}

pub(super) fn read(text: &'static str) -> Result<Catalog, CatalogError> {
    let file: File<'static> = toml::from_str(text)?;
    let mut rows = Vec::new();
    let mut groups = Vec::new();
    for table in file.group {
        let group = groups.len();
        for (module, names) in table.globals {
            if !table.category.is_dangerous() && names.contains('*') {
                return Err(CatalogError::AllowedWildcard { module });
            }
            rows.push(Row { module, names, group });
        }
        groups.push(Group {
            category: table.category,
            import: table.import.unwrap_or(table.category.severity(Use::Import)),
            call: table.call.unwrap_or(table.category.severity(Use::Call)),
            reference: table.reference,
            since: table.since.unwrap_or(file.since),
        });
    }
    rows.sort_by_key(|row| row.module);
    let mut crossings: Vec<_> = file.crossings.split_ascii_whitespace().collect();
    crossings.sort_unstable();
    let renamed_names =
        file.python2.names.into_iter().map(|(old, new)| Ok((pair(old)?, pair(new)?)));
    Ok(Catalog {
        rows,
        groups,
        renamed_modules: file.python2.modules.into_iter().collect(),
        renamed_names: renamed_names.collect::<Result<_, CatalogError>>()?,
        crossings,
    })
}

fn pair(text: &'static str) -> Result<Pair, CatalogError> {
    text.split_once(' ').ok_or(CatalogError::Renamed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "since = '1'\ncrossings = 'os'\n[python2]\nmodules = {}\nnames = {}\n";

    fn error(groups: &str) -> String {
        let text: &'static str = Box::leak(format!("{HEAD}{groups}").into_boxed_str());
        read(text).expect_err("refused").to_string()
    }

    #[test]
    fn a_wildcard_is_never_allowed() {
        let message = error("[[group]]\ncategory = 'framework-rebuild'\nglobals.torch = '*'\n");
        assert_eq!(message, "`torch` is allowed with everything in it; list the names");
    }

    #[test]
    fn a_renamed_global_has_a_module_and_a_name() {
        let text = "since = '1'\ncrossings = 'os'\ngroup = []\n[python2]\nmodules = {}\nnames = {long = 'builtins int'}\n";
        let message = read(text).expect_err("refused").to_string();
        assert_eq!(message, "`long` is not a module and a name separated by one space");
    }
}
