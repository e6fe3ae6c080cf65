//! What is known about Python globals: which only rebuild data, which can do harm, and how bad it is.
//!
//! The data is `catalogs/globals.toml`, compiled into the program. Nothing is allowed by a wildcard: a
//! global is harmless only if its module and its name are listed together.

mod file;
mod lookup;

use std::sync::OnceLock;

use caiso_core::Severity;
use serde::Deserialize;

/// What a global can be used for when a pickle calls it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Category {
    /// Runs a command or Python source.
    Exec,
    /// Turns a name into an attribute or wraps a call, so that the real target is its argument.
    Resolver,
    /// Imports a module chosen by its argument, which runs the module's code.
    Import,
    /// Creates, changes or removes files.
    FileWrite,
    /// Reads files or lists folders.
    FileRead,
    /// Talks to other machines.
    Network,
    /// Loads or calls native code, or touches raw memory.
    Native,
    /// Starts, ends or disturbs processes and threads, or changes the running interpreter.
    ProcessControl,
    /// Loads another serialised object, which can carry anything of this list.
    NestedLoad,
    /// Builds Python functions or code objects from bytes.
    CodeObject,
    /// Builds a value of the standard library and does nothing else.
    HarmlessConstructor,
    /// Rebuilds an object of a machine-learning framework and does nothing else.
    FrameworkRebuild,
    /// Not in the catalog.
    Unknown,
}

impl Category {
    /// Every category, in the order of the catalog's documentation.
    pub const ALL: [Self; 13] = [
        Self::Exec,
        Self::Resolver,
        Self::Import,
        Self::FileWrite,
        Self::FileRead,
        Self::Network,
        Self::Native,
        Self::ProcessControl,
        Self::NestedLoad,
        Self::CodeObject,
        Self::HarmlessConstructor,
        Self::FrameworkRebuild,
        Self::Unknown,
    ];

    /// The name in the catalog and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Resolver => "resolver",
            Self::Import => "import",
            Self::FileWrite => "file-write",
            Self::FileRead => "file-read",
            Self::Network => "network",
            Self::Native => "native",
            Self::ProcessControl => "process-control",
            Self::NestedLoad => "nested-load",
            Self::CodeObject => "code-object",
            Self::HarmlessConstructor => "harmless-constructor",
            Self::FrameworkRebuild => "framework-rebuild",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the category is on the allow list.
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        matches!(self, Self::HarmlessConstructor | Self::FrameworkRebuild)
    }

    /// Whether the category is known to do harm.
    #[must_use]
    pub const fn is_dangerous(self) -> bool {
        !self.is_harmless() && !matches!(self, Self::Unknown)
    }

    /// The severity of a global of this category, unless the catalog says otherwise.
    #[must_use]
    pub const fn severity(self, how: Use) -> Severity {
        match (self, how) {
            (Self::Exec | Self::Native | Self::CodeObject | Self::NestedLoad, Use::Call) => {
                Severity::Critical
            }
            (Self::Exec | Self::Native | Self::CodeObject | Self::NestedLoad, Use::Import)
            | (Self::Import | Self::FileWrite | Self::Network | Self::ProcessControl, _)
            | (Self::Resolver | Self::FileRead, Use::Call) => Severity::High,
            (Self::Resolver | Self::FileRead, Use::Import) | (Self::Unknown, Use::Call) => {
                Severity::Medium
            }
            (Self::Unknown, Use::Import) => Severity::Low,
            (Self::HarmlessConstructor | Self::FrameworkRebuild, _) => Severity::Info,
        }
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a pickle does with a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// Names it, which imports its module.
    Import,
    /// Calls or instantiates it.
    Call,
}

/// Which rule of the catalog gave a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The module and the name are listed together.
    Exact,
    /// A part of a dotted name reaches this module or attribute.
    DottedPart(&'static str),
    /// Everything in this module and below it is listed as dangerous.
    Parent(&'static str),
    /// Nothing in the catalog matches.
    Default,
}

/// What the catalog says about one use of one global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// What the global can be used for.
    pub category: Category,
    /// How bad this use of it is.
    pub severity: Severity,
    /// Identifiers of published advisories or weaknesses, separated by spaces.
    pub reference: Option<&'static str>,
    /// What matched.
    pub rule: Rule,
}

/// A module and a name in it.
type Pair = (&'static str, &'static str);

/// The judgement catalog of Python globals.
#[derive(Debug)]
pub struct Catalog {
    /// Sorted by module.
    rows: Vec<Row>,
    groups: Vec<Group>,
    /// Modules of Python 2 and what they are called now; sorted.
    renamed_modules: Vec<(&'static str, &'static str)>,
    /// Module and name in Python 2, module and name now; sorted.
    renamed_names: Vec<(Pair, Pair)>,
    /// Modules that other modules expose as attributes and that give away the system; sorted.
    crossings: Vec<&'static str>,
}

/// The names of one module in one table of the file.
#[derive(Clone, Copy, Debug)]
struct Row {
    module: &'static str,
    /// Separated by white space, as the file has them: they are split where a module is asked for, since
    /// a file names a few dozen of the thousands. `*` is the whole module and what is below it.
    names: &'static str,
    group: usize,
}

/// What the globals of one table of the file share.
#[derive(Clone, Copy, Debug)]
struct Group {
    category: Category,
    import: Severity,
    call: Severity,
    reference: Option<&'static str>,
    since: &'static str,
}

/// A listed global, as [`Catalog::entries`] gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Dotted name of the module.
    pub module: &'static str,
    /// Name in the module, `Class.method`, or `*` for the module with everything below it.
    pub name: &'static str,
    /// What it can be used for.
    pub category: Category,
    /// Severity where it is only imported.
    pub import: Severity,
    /// Severity where it is called.
    pub call: Severity,
    /// Identifiers of published advisories or weaknesses, separated by spaces.
    pub reference: Option<&'static str>,
    /// Version of caiso that first listed it.
    pub since: &'static str,
}

impl Catalog {
    /// The catalog of this version of caiso, read on first use.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the file is part of the program; a test reads it")]
    pub fn embedded() -> &'static Self {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| {
            file::read(include_str!("../../../catalogs/globals.toml"))
                .expect("the embedded catalog reads")
        })
    }

    /// Everything listed, sorted by module and name.
    #[must_use]
    pub fn entries(&self) -> Vec<Listed> {
        let mut entries: Vec<_> = self
            .rows
            .iter()
            .filter_map(|row| Some((row, self.groups.get(row.group)?)))
            .flat_map(|(row, group)| {
                row.names.split_ascii_whitespace().map(|name| Listed {
                    module: row.module,
                    name,
                    category: group.category,
                    import: group.import,
                    call: group.call,
                    reference: group.reference,
                    since: group.since,
                })
            })
            .collect();
        entries.sort_by_key(|entry| (entry.module, entry.name));
        entries
    }
}
