//! Chat templates: programs in Jinja that a runtime evaluates for each conversation.
//!
//! [`judge`] reads a template the way Python's Jinja does (its escapes and joined strings, which other
//! implementations lack), folds what is constant, and names what reaches out of the template. Nothing is
//! evaluated.

use std::collections::BTreeSet;

use caiso_core::Severity::{self, Critical, High, Low, Medium};

use crate::suspicion::Suspicions;

mod expression;
mod fold;
mod lexer;
mod parser;

use parser::{Event, Parser};

/// Longest template that is read.
const LONGEST: usize = 4 << 20;

/// Attributes that lead out of a template, besides all between double underscores.
const ESCAPES: [&str; 16] = [
    "mro",
    "func_globals",
    "func_code",
    "f_globals",
    "f_locals",
    "f_builtins",
    "f_back",
    "gi_frame",
    "gi_code",
    "cr_frame",
    "ag_frame",
    "tb_frame",
    "co_code",
    "_TemplateReference__context",
    "_load_form_data",
    "_get_data_for_json",
];

/// What is called only to run, load or read something.
const DANGEROUS: [&str; 26] = [
    "eval",
    "exec",
    "execfile",
    "compile",
    "open",
    "getattr",
    "setattr",
    "globals",
    "locals",
    "vars",
    "import_module",
    "import_string",
    "load_module",
    "exec_module",
    "popen",
    "system",
    "spawn",
    "execve",
    "check_output",
    "check_call",
    "getoutput",
    "from_string",
    "get_template",
    "urlopen",
    "read_text",
    "write_text",
];

/// Pieces of text that stand for such an attribute or call inside a longer text.
const PIECES: [&str; 14] = [
    "__class__",
    "__mro__",
    "__base__",
    "__bases__",
    "__subclasses__",
    "__globals__",
    "__builtins__",
    "__import__",
    "__init__",
    "__getattribute__",
    "__reduce__",
    "_TemplateReference__context",
    "os.popen",
    "os.system",
];

/// Objects of the environment that hold references to modules.
const OBJECTS: [&str; 9] = [
    "cycler",
    "joiner",
    "lipsum",
    "self",
    "request",
    "url_for",
    "get_flashed_messages",
    "application",
    "config",
];

/// Functions that chat templates call: those of Jinja, and those that the runtimes add.
const FUNCTIONS: [&str; 14] = [
    "namespace",
    "range",
    "dict",
    "loop",
    "caller",
    "super",
    "cycler",
    "joiner",
    "raise_exception",
    "strftime_now",
    "len",
    "list",
    "str",
    "tojson",
];

/// Filters of Jinja and of the runtimes.
const FILTERS: [&str; 62] = [
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
    "wordwrap",
    "xmlattr",
    "from_json",
    "fromjson",
    "to_json",
    "json",
    "split",
    "strip",
    "capitalize",
    "bool",
];

/// Judges a template; empty for one that only puts texts together.
pub(crate) fn judge(text: &str) -> Suspicions {
    let mut found = Suspicions::default();
    if text.len() > LONGEST {
        found.add(
            Medium,
            "template",
            format!("the template has {} bytes, more than is looked through", text.len()),
        );
        search(text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default(), &mut found);
        return found;
    }
    let mut parser = Parser::default();
    parser.template(text);
    for event in &parser.events {
        event_of(event, &parser.macros, &mut found);
    }
    if let Some(reason) = &parser.broken {
        found.add(
            Medium,
            "template",
            format!("the template cannot be read as Jinja ({reason}), so that it may do more than is seen"),
        );
        search(text, &mut found);
    }
    found
}

/// Whether an attribute of this name leads from data to the interpreter.
fn escapes(name: &str) -> bool {
    let inner = name.strip_prefix("__").and_then(|name| name.strip_suffix("__"));
    inner.is_some_and(|inner| !inner.is_empty()) || ESCAPES.contains(&name)
}

fn event_of(event: &Event, macros: &BTreeSet<String>, found: &mut Suspicions) {
    let mut add = |severity: Severity, what: &str, consequence: &str| {
        let message = format!("the template {consequence}");
        found.add(severity, format!("`{}`", crate::suspicion::cut(what, 80)), message);
    };
    match event {
        Event::Attribute(name) if escapes(name) => add(
            Critical,
            name,
            &format!(
                "reaches for `{name}`, the way from data to Python's interpreter: a runtime without a \
                 sandbox runs what its author likes for each conversation"
            ),
        ),
        Event::Text(text) => {
            if escapes(text) {
                add(
                    High,
                    text,
                    &format!(
                        "holds the text `{text}`, the name of an attribute that leads to the interpreter"
                    ),
                );
            } else if let Some(piece) = PIECES.iter().find(|piece| text.contains(**piece)) {
                add(
                    High,
                    piece,
                    &format!("holds a text with `{piece}`, which leads to the interpreter"),
                );
            }
        }
        Event::Built(pieces) => {
            if pieces.contains('_') {
                add(
                    High,
                    "attribute put together",
                    "puts the name of an attribute with underscores together while it runs, as one does to \
                     hide the way to the interpreter",
                );
            } else {
                add(Low, "key put together", "puts the name of a key together while it runs");
            }
        }
        Event::UnknownAttribute => add(
            High,
            "attr",
            "takes an attribute whose name is only known when it runs: this reaches everything that a \
             plain attribute would show",
        ),
        Event::Name(name) if OBJECTS.contains(&name.as_str()) && !macros.contains(name) => add(
            Medium,
            name,
            &format!(
                "uses `{name}`, an object of the environment that no conversation needs and that leads to modules"
            ),
        ),
        Event::Call(name) if DANGEROUS.contains(&name.as_str()) || name == "__import__" => {
            add(High, name, &format!("calls `{name}`, which runs, loads or reads something"));
        }
        Event::Call(name)
            if !FUNCTIONS.contains(&name.as_str())
                && !macros.contains(name)
                && !OBJECTS.contains(&name.as_str()) =>
        {
            add(
                Low,
                name,
                &format!("calls `{name}`, a function that runtimes do not have by themselves"),
            );
        }
        Event::Method(name) if DANGEROUS.contains(&name.as_str()) => {
            add(
                High,
                name,
                &format!("calls a method `{name}`, which runs, loads or reads something"),
            );
        }
        Event::Filter(name) if name == "attr" => {
            add(
                High,
                "attr",
                "uses the filter `attr`, which no conversation needs: it hides attributes from whoever reads the template",
            );
        }
        Event::Filter(name) if !FILTERS.contains(&name.as_str()) => {
            add(
                Low,
                name,
                &format!("uses the filter `{name}`, which runtimes do not have by themselves"),
            );
        }
        Event::Load(word) => add(
            High,
            word,
            &format!(
                "has a `{word}` statement: it loads another template, or shows what the runtime holds"
            ),
        ),
        Event::Range(count) => add(
            Medium,
            "range",
            &format!("counts to {count}: each conversation keeps the server busy"),
        ),
        _ => {}
    }
}

/// Looks for the names alone, where the template cannot be parsed.
fn search(text: &str, found: &mut Suspicions) {
    for piece in PIECES.iter().chain(&["|attr(", "| attr(", "__", "popen("]) {
        if text.contains(piece) {
            let severity = if *piece == "__" { Low } else { High };
            found.add(
                severity,
                format!("`{piece}`"),
                format!("the template holds `{piece}`, which leads to Python's interpreter"),
            );
        }
    }
}

#[cfg(test)]
mod tests;
