//! Lists of packages: what pip, conda, Poetry, uv and setuptools read. Only what names packages is read.

use serde_json::Value;

use super::{Package, Registry};

/// Longest list that is read.
const LONGEST: usize = 16 << 20;

/// Whether a file with this name lists packages.
pub(crate) fn is_list(name: &str) -> bool {
    kind(name).is_some()
}

#[derive(Clone, Copy)]
enum Kind {
    Requirements,
    PyProject,
    Lock,
    SetupConfiguration,
    Conda,
    PythonEnvironment,
}

fn kind(name: &str) -> Option<Kind> {
    let name = name.to_ascii_lowercase();
    let requirements = name
        .strip_suffix(".txt")
        .is_some_and(|stem| stem.starts_with("requirements") || stem.ends_with("requirements"));
    Some(match name.as_str() {
        "pyproject.toml" => Kind::PyProject,
        "poetry.lock" | "uv.lock" => Kind::Lock,
        "setup.cfg" => Kind::SetupConfiguration,
        "conda.yaml" | "conda.yml" | "environment.yaml" | "environment.yml" => Kind::Conda,
        "python_env.yaml" => Kind::PythonEnvironment,
        _ if requirements => Kind::Requirements,
        _ => return None,
    })
}

/// The packages of a list; the reason if it cannot be read.
pub(crate) fn read(name: &str, bytes: &[u8]) -> Result<Vec<Package>, String> {
    if bytes.len() > LONGEST {
        return Err(format!("has {} bytes, lists of up to {LONGEST} are read", bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    match kind(name) {
        Some(Kind::Requirements) => Ok(requirements(text)),
        Some(Kind::PyProject) => py_project(&toml_of(text)?),
        Some(Kind::Lock) => Ok(lock(&toml_of(text)?)),
        Some(Kind::SetupConfiguration) => Ok(setup_configuration(text)),
        Some(Kind::Conda) => Ok(conda(&yaml_of(text)?)),
        Some(Kind::PythonEnvironment) => Ok(python_environment(&yaml_of(text)?)),
        None => Ok(Vec::new()),
    }
}

fn toml_of(text: &str) -> Result<toml::Table, String> {
    text.parse().map_err(|error: toml::de::Error| format!("is no TOML: {}", error.message()))
}

fn yaml_of(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.to_string();
        format!("is no YAML: {}", error.lines().next().unwrap_or_default())
    })
}

/// `requirements.txt` (<https://pip.pypa.io/en/stable/reference/requirements-file-format/>). Files that it
/// includes are found by themselves.
fn requirements(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut pending = String::new();
    let mut start = 1;
    for (number, line) in text.lines().enumerate() {
        if pending.is_empty() {
            start = number + 1;
        }
        if let Some(open) = line.strip_suffix('\\') {
            pending += open;
            pending.push(' ');
            continue;
        }
        pending += line;
        let whole = std::mem::take(&mut pending);
        packages
            .extend(requirement(&whole).map(|package| Package { line: Some(start), ..package }));
    }
    packages.extend(requirement(&pending).map(|package| Package { line: Some(start), ..package }));
    packages
}

/// A requirement as PEP 508 writes it; `None` for options, comments, paths and URLs without a name.
fn requirement(text: &str) -> Option<Package> {
    let text = text.split(" #").next().unwrap_or(text).trim();
    if text.is_empty() || text.starts_with(['#', '-', '.', '/']) {
        return None;
    }
    let text = text.split([';']).next().unwrap_or(text);
    let text = text.split(" --").next().unwrap_or(text).trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    if !name.starts_with(|first: char| first.is_ascii_alphanumeric())
        || rest.starts_with([':', '/', '+'])
    {
        return None;
    }
    let rest = match rest.trim_start().strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1,
        None => rest,
    };
    let rest = rest.trim().trim_start_matches('(').trim_end_matches(')').trim();
    let mut package = Package::named(name, None);
    if let Some(pinned) = rest.strip_prefix("===").or_else(|| rest.strip_prefix("==")) {
        let pinned = pinned.trim();
        if !pinned.contains([',', '*', ' ']) {
            package.version = Some(pinned.to_owned());
            return Some(package);
        }
    }
    package.constraint = (!rest.is_empty()).then(|| rest.to_owned());
    Some(package)
}

/// `pyproject.toml`: the standard table, dependency groups, and Poetry's own table.
fn py_project(table: &toml::Table) -> Result<Vec<Package>, String> {
    let mut packages = Vec::new();
    let texts = |value: Option<&toml::Value>| {
        let texts: Vec<&str> = value
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str)
            .collect();
        texts.into_iter().filter_map(requirement).collect::<Vec<_>>()
    };
    if let Some(project) = table.get("project") {
        if project.get("dependencies").is_some_and(|list| !list.is_array()) {
            return Err("has `project.dependencies` that are no list".to_owned());
        }
        packages.extend(texts(project.get("dependencies")));
        let optional = project.get("optional-dependencies").and_then(toml::Value::as_table);
        packages.extend(
            optional
                .into_iter()
                .flat_map(|groups| groups.values())
                .flat_map(|group| texts(Some(group))),
        );
        packages.extend(project.get("requires-python").and_then(toml::Value::as_str).map(python));
    }
    let groups = table.get("dependency-groups").and_then(toml::Value::as_table);
    packages.extend(
        groups.into_iter().flat_map(|groups| groups.values()).flat_map(|group| texts(Some(group))),
    );
    let poetry = table.get("tool").and_then(|tool| tool.get("poetry"));
    let poetry =
        poetry.and_then(|poetry| poetry.get("dependencies")).and_then(toml::Value::as_table);
    for (name, demand) in poetry.into_iter().flatten() {
        let demand =
            demand.as_str().or_else(|| demand.get("version").and_then(toml::Value::as_str));
        let demand = demand.filter(|demand| *demand != "*").unwrap_or_default();
        if name == "python" {
            packages.push(python(demand));
            continue;
        }
        let mut package = Package::named(name, None);
        let exact = demand.trim_start_matches('=').trim();
        // A bare version is exact for Poetry.
        if exact.starts_with(|first: char| first.is_ascii_digit())
            && !exact.contains([',', '*', '|', ' '])
        {
            package.version = Some(exact.to_owned());
        } else {
            package.constraint = (!demand.is_empty()).then(|| demand.to_owned());
        }
        packages.push(package);
    }
    Ok(packages)
}

/// `poetry.lock` and `uv.lock`: what was resolved.
fn lock(table: &toml::Table) -> Vec<Package> {
    let listed = table.get("package").and_then(toml::Value::as_array);
    let package = |entry: &toml::Value| {
        // The project itself is in its own lock file.
        let own = entry.get("source").is_some_and(|source| {
            ["virtual", "editable"].iter().any(|kind| source.get(kind).is_some())
        });
        let name = entry.get("name")?.as_str()?;
        let version = entry.get("version").and_then(toml::Value::as_str);
        (!own).then(|| Package::named(name, version))
    };
    listed.into_iter().flatten().filter_map(package).collect()
}

/// `install_requires` and the extras of `setup.cfg`.
fn setup_configuration(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let (mut section, mut within) = ("", false);
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            section = trimmed.trim_matches(['[', ']']);
            within = false;
            continue;
        }
        let found = if line.starts_with([' ', '\t']) {
            within.then_some(trimmed)
        } else if let Some((key, value)) = trimmed.split_once('=') {
            within = match section {
                "options" => key.trim() == "install_requires",
                "options.extras_require" => true,
                _ => false,
            };
            within.then_some(value.trim())
        } else {
            None
        };
        let found = found.and_then(requirement);
        packages.extend(found.map(|package| Package { line: Some(number + 1), ..package }));
    }
    packages
}

/// An environment of conda: `numpy=1.26.4=build`, `channel::name >=1`, and a list for pip within.
fn conda(environment: &Value) -> Vec<Package> {
    let mut packages = Vec::new();
    for entry in environment["dependencies"].as_array().into_iter().flatten() {
        if let Some(pip) = entry["pip"].as_array() {
            packages.extend(pip.iter().filter_map(Value::as_str).filter_map(requirement));
        }
        let Some(text) = entry.as_str() else { continue };
        let text = text.rsplit("::").next().unwrap_or(text).trim();
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        let rest = rest.trim();
        let exact = rest.trim_start_matches('=').split('=').next().unwrap_or_default().trim();
        let pinned = rest.starts_with('=') && !exact.is_empty() && !exact.contains(['*', ',', '|']);
        let registry = if name == "python" { Registry::Python } else { Registry::Conda };
        packages.push(Package {
            registry,
            name: name.to_ascii_lowercase(),
            version: pinned.then(|| exact.to_owned()),
            constraint: (!pinned && !rest.is_empty()).then(|| rest.to_owned()),
            line: None,
        });
    }
    packages
}

/// `python_env.yaml` of MLflow.
fn python_environment(environment: &Value) -> Vec<Package> {
    let listed = |key: &str| {
        let list = environment[key].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).filter_map(requirement).collect::<Vec<_>>()
    };
    let mut packages: Vec<Package> =
        environment["python"].as_str().map(python).into_iter().collect();
    packages.extend(listed("build_dependencies"));
    packages.extend(listed("dependencies"));
    packages
}

/// Python itself, exact if only a version is written.
fn python(demand: &str) -> Package {
    let exact = demand.trim_start_matches('=').trim();
    let is_exact =
        exact.starts_with(|first: char| first.is_ascii_digit()) && !exact.contains([',', '*']);
    Package {
        registry: Registry::Python,
        name: "python".to_owned(),
        version: is_exact.then(|| exact.to_owned()),
        constraint: (!is_exact && !demand.is_empty()).then(|| demand.to_owned()),
        line: None,
    }
}

/// The normal form of a name (PEP 503).
pub(super) fn normal(name: &str) -> String {
    let mut normal = String::new();
    for c in name.chars() {
        let c = if matches!(c, '_' | '.') { '-' } else { c.to_ascii_lowercase() };
        if c != '-' || !normal.ends_with('-') {
            normal.push(c);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, text: &str) -> Vec<String> {
        let packages = read(name, text.as_bytes()).unwrap();
        let show = |package: Package| {
            let version = package.version.map(|version| format!("@{version}"));
            let constraint = package.constraint.map(|constraint| format!(" {constraint}"));
            let line = package.line.map(|line| format!(" :{line}"));
            format!(
                "{:?} {}{}{}{}",
                package.registry,
                package.name,
                version.unwrap_or_default(),
                constraint.unwrap_or_default(),
                line.unwrap_or_default()
            )
        };
        packages.into_iter().map(show).collect()
    }

    #[test]
    fn requirements_are_read_as_pip_does() {
        let text = "# made by hand\nNumPy==2.4.6  # pinned\ntorch>=2,<3\n-r other.txt\n--index-url https://x\n\
                    Foo_Bar.baz[a, b] == 1.0+cpu ; python_version > '3.8'\n\
                    pinned==1 \\\n    --hash=sha256:00\n./local\nhttps://example.org/a.whl\n\
                    pkg @ https://example.org/b.whl\nany==1.*\nlast";
        assert_eq!(
            shown("requirements-dev.txt", text),
            [
                "Pypi numpy@2.4.6 :2",
                "Pypi torch >=2,<3 :3",
                "Pypi foo-bar-baz@1.0+cpu :6",
                "Pypi pinned@1 :7",
                "Pypi pkg @ https://example.org/b.whl :11",
                "Pypi any ==1.* :12",
                "Pypi last :13",
            ]
        );
    }

    #[test]
    fn the_other_lists_are_read() {
        let text = "[project]\nrequires-python = '>=3.11'\ndependencies = ['a==1', 'b~=2.0']\n\
                    [project.optional-dependencies]\nx = ['c']\n[tool.poetry.dependencies]\npython = '^3.9'\n\
                    d = '1.2'\ne = {version = '^2'}\n[dependency-groups]\ndev = ['f==3']";
        assert_eq!(
            shown("pyproject.toml", text),
            [
                "Pypi a@1",
                "Pypi b ~=2.0",
                "Pypi c",
                "Python python >=3.11",
                "Pypi f@3",
                "Pypi d@1.2",
                "Pypi e ^2",
                "Python python ^3.9"
            ]
        );
        let text = "[[package]]\nname = 'me'\nversion = '0'\nsource = { virtual = '.' }\n\
                    [[package]]\nname = 'Torch'\nversion = '2.9.0'";
        assert_eq!(shown("uv.lock", text), ["Pypi torch@2.9.0"]);
        let text = "[metadata]\nname = x\n[options]\ninstall_requires =\n    a==1\n    b>2\npackages = find:\n";
        assert_eq!(shown("setup.cfg", text), ["Pypi a@1 :5", "Pypi b >2 :6"]);
        let text = "dependencies:\n- python=3.11.7\n- conda-forge::numpy=1.26=py_0\n- pip<=23.2.1\n- pip:\n  - x==1\n";
        assert_eq!(
            shown("conda.yaml", text),
            ["Python python@3.11.7", "Conda numpy@1.26", "Conda pip <=23.2.1", "Pypi x@1"]
        );
        let text = "python: 3.11.7\nbuild_dependencies:\n- pip==23\ndependencies:\n- -r requirements.txt\n";
        assert_eq!(shown("python_env.yaml", text), ["Python python@3.11.7", "Pypi pip@23"]);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert!(read("pyproject.toml", b"[").unwrap_err().starts_with("is no TOML"));
        assert!(read("conda.yaml", b"a: [").unwrap_err().starts_with("is no YAML"));
        assert_eq!(read("requirements.txt", b"\xff").unwrap_err(), "is not UTF-8");
    }
}
