//! Calls whose result is known from constant arguments: resolvers that turn names into callables, and
//! wrappers that call what they are given.

use std::ops::Range;

use super::constants::FOLDED;
use super::{Machine, Pending};
use crate::arena::{KEPT, Shape};
use crate::event::{EventKind, Folding, How};
use crate::value::{Kind, Value};

mod strings;

/// Items of an iterable that a wrapper is followed for.
const FOLLOWED: usize = 16;

type Folded = Option<(Folding, Option<Value>)>;

const UNRESOLVED: Folded = Some((Folding::Unresolved, None));

impl Machine<'_> {
    /// The module and name of a callable, with the names of C accelerators and of Python 2 replaced.
    pub(super) fn canonical(&self, value: Value) -> Option<(String, String)> {
        let name = self.global_name(value)?;
        let module = match &*name.module {
            "__builtin__" | "__builtins__" => "builtins",
            "_operator" => "operator",
            "_functools" => "functools",
            "_codecs" => "codecs",
            "copy_reg" => "copyreg",
            "_pickle" | "cPickle" | "_compat_pickle" => "pickle",
            "_io" => "io",
            other => other,
        };
        Some((module.to_owned(), name.name.to_string()))
    }

    fn through(&self, callee: Value) -> Option<usize> {
        match callee.kind() {
            Kind::Global(index) => Some(index),
            Kind::Resolved(index) => self.resolved.get(index).map(|resolved| resolved.global),
            _ => None,
        }
    }

    fn resolved(&self, value: Option<Value>) -> Folded {
        let value = value?;
        let folding = self.global_name(value).cloned().map_or(Folding::Constant, Folding::Resolved);
        Some((folding, Some(value)))
    }

    /// What a call of a global comes to, if that is known.
    pub(super) fn fold(
        &mut self,
        span: &Range<usize>,
        callee: Value,
        arguments: &[Value],
        all: bool,
        fuel: u8,
    ) -> Folded {
        let (module, name) = self.canonical(callee)?;
        let through = self.through(callee);
        let first = arguments.first().copied().unwrap_or(Value::UNKNOWN);
        let second = arguments.get(1).copied().unwrap_or(Value::UNKNOWN);
        let rest = arguments.get(1..).unwrap_or_default();
        match (module.as_str(), name.as_str()) {
            ("builtins", "getattr" | "object.__getattribute__" | "type.__getattribute__")
            | (_, "_getattribute" | "resolve_dotted_attribute") => {
                let found =
                    self.text(second).and_then(|path| self.get_attribute(first, &path, through));
                self.resolved(found).or(UNRESOLVED)
            }
            ("operator", "getitem" | "__getitem__")
            | (
                "builtins",
                "dict.get" | "dict.__getitem__" | "list.__getitem__" | "tuple.__getitem__",
            ) => {
                let found = self.get_item(first, second, through);
                self.resolved(found).or(UNRESOLVED)
            }
            ("builtins", "vars") => {
                let found = self.get_attribute(first, "__dict__", through);
                self.resolved(found).or(UNRESOLVED)
            }
            ("operator", "attrgetter" | "itemgetter" | "methodcaller")
            | ("functools", "partial" | "partialmethod")
            | ("types", "MethodType") => {
                let constant = name == "partial"
                    || name == "partialmethod"
                    || name == "MethodType"
                    || arguments.iter().all(|argument| argument.is_constant());
                Some((if constant { Folding::Constant } else { Folding::Unresolved }, None))
            }
            (
                "importlib"
                | "importlib._bootstrap"
                | "builtins"
                | "cloudpickle.cloudpickle"
                | "pydoc",
                "import_module" | "__import__" | "_gcd_import" | "subimport" | "safeimport",
            ) => {
                let Some(path) = self.text(first) else { return UNRESOLVED };
                let top =
                    name == "__import__" && !arguments.get(3).is_some_and(|list| list.is_node());
                let module =
                    if top { path.split('.').next().unwrap_or_default() } else { path.as_str() };
                let value = self.resolve(module, "", None, through);
                if let Some(index) = self.intern(&path, "") {
                    self.import(span.clone(), index, &format!("{module}.{name}"));
                }
                self.resolved(Some(value))
            }
            ("pkgutil", "resolve_name")
            | ("pydoc", "locate")
            | (
                _,
                "import_string" | "import_item" | "import_from_string" | "import_object" | "locate",
            )
            | (
                "hydra.utils" | "hydra._internal.utils",
                "get_class" | "get_method" | "get_object" | "_locate",
            ) => {
                let Some(path) = self.text(first) else { return UNRESOLVED };
                let (module, name) = path
                    .split_once(':')
                    .or_else(|| path.rsplit_once('.'))
                    .unwrap_or((path.as_str(), ""));
                let value = self.resolve(module, name, None, through);
                self.resolved(Some(value))
            }
            ("pickle", "Unpickler.find_class" | "_Unpickler.find_class") => {
                let names: Vec<String> =
                    arguments.iter().rev().take(2).filter_map(|&value| self.text(value)).collect();
                let [name, module] = names.as_slice() else { return UNRESOLVED };
                let value = self.resolve(module, name, None, through);
                self.resolved(Some(value))
            }
            ("copyreg", "add_extension") => {
                let pair = self.arena.with(Shape::Tuple, arguments.get(..2).unwrap_or_default());
                if let Some(Kind::Int(code)) = arguments.get(2).map(|code| code.kind()) {
                    self.register(code, pair);
                }
                None
            }
            ("operator", "call")
            | ("builtins", "apply")
            | ("atexit", "register")
            | ("_thread" | "thread", "start_new_thread" | "start_new")
            | ("weakref", "finalize") => {
                let (function, rest) = if name == "finalize" {
                    (second, rest.get(1..).unwrap_or_default())
                } else {
                    (first, rest)
                };
                let unpacked = match rest {
                    [tuple, ..] if name.starts_with("start_new") || name == "apply" => {
                        self.arena.items(*tuple, KEPT).0
                    }
                    _ => rest.to_vec(),
                };
                let value =
                    self.call(span.clone(), function, &unpacked, all, None, How::Indirect, fuel);
                Some((Folding::Constant, Some(value)))
            }
            ("functools" | "builtins", "reduce") => {
                Some((Folding::Constant, Some(self.reduce_over(span, arguments, fuel))))
            }
            ("builtins", "map" | "filter" | "map.__new__" | "filter.__new__")
            | ("itertools", "starmap" | "filterfalse" | "takewhile" | "dropwhile") => {
                self.map_over(span, first, rest, name == "starmap", fuel);
                Some((Folding::Constant, None))
            }
            _ => self.fold_bound(span, callee, (&module, &name), arguments, fuel),
        }
    }

    /// Methods reached through a dotted name: `os.__dict__.__getitem__`, `f.__call__`, `str.join`.
    fn fold_bound(
        &mut self,
        span: &Range<usize>,
        callee: Value,
        (module, name): (&str, &str),
        arguments: &[Value],
        fuel: u8,
    ) -> Folded {
        let first = arguments.first().copied().unwrap_or(Value::UNKNOWN);
        if let Some((base, method)) = name.rsplit_once('.').or(Some(("", name)))
            && matches!(method, "__getattribute__" | "__getitem__" | "get" | "__call__")
            && (method.starts_with("__")
                || base.ends_with("__dict__")
                || base == "modules"
                || base == "environ")
        {
            let base = self.resolve(module, base, Some(callee), None);
            let found = match method {
                "__call__" => {
                    let value =
                        self.call(span.clone(), base, arguments, true, None, How::Indirect, fuel);
                    return Some((Folding::Constant, Some(value)));
                }
                "__getattribute__" => {
                    let object = if arguments.len() > 1 { first } else { base };
                    arguments
                        .last()
                        .and_then(|&path| self.text(path))
                        .and_then(|path| self.get_attribute(object, &path, None))
                }
                _ => self.get_item(base, first, None),
            };
            return self.resolved(found).or(UNRESOLVED);
        }
        if let Some(value) = self.fold_constant(module, name, arguments) {
            return Some((Folding::Constant, Some(value)));
        }
        self.nested_load(span, callee, (module, name), arguments);
        None
    }

    /// Calls of what a resolver returned: `attrgetter("system")(os)`.
    pub(super) fn call_object(
        &mut self,
        span: &Range<usize>,
        callee: Value,
        arguments: &[Value],
        all: bool,
        fuel: u8,
    ) -> Option<Value> {
        if !matches!(self.arena.shape(callee), Some(Shape::Call | Shape::Object)) {
            return None;
        }
        let resolver = self.arena.first(callee)?;
        let (module, name) = self.canonical(resolver)?;
        let (bound, _) = self.arena.items(self.arena.item(callee, 1)?, KEPT);
        let through = self.through(resolver);
        let first = arguments.first().copied().unwrap_or(Value::UNKNOWN);
        match (module.as_str(), name.as_str()) {
            ("operator", "attrgetter") => {
                let path = bound.first().and_then(|&path| self.text(path))?;
                let value = self.get_attribute(first, &path, through)?;
                if bound.len() < 2 {
                    return Some(value);
                }
                let mut values = vec![value];
                for &path in bound.iter().skip(1) {
                    let found =
                        self.text(path).and_then(|path| self.get_attribute(first, &path, through));
                    values.push(found.unwrap_or(Value::UNKNOWN));
                }
                Some(self.arena.with(Shape::Tuple, &values))
            }
            ("operator", "itemgetter") => self.get_item(first, *bound.first()?, through),
            ("operator", "methodcaller") => {
                let (&method, rest) = bound.split_first()?;
                let method = self.text(method)?;
                let function = self.get_attribute(first, &method, through)?;
                Some(self.call(span.clone(), function, rest, true, None, How::Indirect, fuel))
            }
            ("functools", "partial" | "partialmethod") | ("types", "MethodType") => {
                let (&function, rest) = bound.split_first()?;
                let joined: Vec<Value> = rest.iter().chain(arguments).copied().collect();
                Some(self.call(span.clone(), function, &joined, all, None, How::Indirect, fuel))
            }
            _ => None,
        }
    }

    /// An attribute of a module, class, or other global, of an object, or of a constant.
    fn get_attribute(&mut self, base: Value, path: &str, through: Option<usize>) -> Option<Value> {
        if let Some(name) = self.global_name(base).cloned() {
            if &*name.module == "builtins" && path == "__self__" {
                return Some(self.resolve("builtins", "", Some(base), through));
            }
            let joined = if name.name.is_empty() {
                path.to_owned()
            } else {
                format!("{}.{path}", name.name)
            };
            return Some(self.resolve(&name.module, &joined, Some(base), through));
        }
        if let Some(value) = self.attribute(base, path) {
            return Some(value);
        }
        if let Some(name) = self.result_of(base).cloned() {
            return Some(self.resolve(
                &name.module,
                &format!("{}.{path}", name.name),
                None,
                through,
            ));
        }
        let class = if self.is_text(base) {
            "str"
        } else if self.is_bytes(base) {
            "bytes"
        } else {
            match self.arena.shape(base)? {
                Shape::List => "list",
                Shape::Tuple => "tuple",
                Shape::Dict => "dict",
                Shape::Set => "set",
                Shape::FrozenSet => "frozenset",
                Shape::ByteArray => "bytearray",
                _ => return None,
            }
        };
        let method = self.resolve("builtins", &format!("{class}.{path}"), None, through);
        let partial = self.resolve("functools", "partial", None, None);
        let arguments = self.arena.with(Shape::Tuple, &[method, base]);
        Some(self.arena.with(Shape::Call, &[partial, arguments, Value::NONE, Value::NONE]))
    }

    /// An item of a namespace, a sequence or a dictionary.
    fn get_item(&mut self, base: Value, key: Value, through: Option<usize>) -> Option<Value> {
        if let Some(name) = self.global_name(base).cloned() {
            let key = self.text(key)?;
            if &*name.module == "sys" && &*name.name == "modules" {
                return Some(self.resolve(&key, "", Some(base), through));
            }
            let (owner, last) = name.name.rsplit_once('.').unwrap_or(("", &name.name));
            return match last {
                "__dict__" => {
                    let joined = if owner.is_empty() { key } else { format!("{owner}.{key}") };
                    Some(self.resolve(&name.module, &joined, Some(base), through))
                }
                "__globals__" | "__builtins__" if key == "__builtins__" => {
                    Some(self.resolve("builtins", "", Some(base), through))
                }
                "__globals__" => Some(self.resolve(&name.module, &key, Some(base), through)),
                "__builtins__" => Some(self.resolve("builtins", &key, Some(base), through)),
                _ => None,
            };
        }
        match (self.arena.shape(base)?, key.kind()) {
            (Shape::Dict, _) => {
                let key = self.text(key)?;
                self.entry(base, &key)
            }
            (Shape::List | Shape::Tuple, Kind::Int(index)) => {
                let count = i64::try_from(self.arena.count(base)).ok()?;
                let index = if index < 0 { index.checked_add(count)? } else { index };
                let (items, _) = self.arena.items(base, KEPT);
                items.get(usize::try_from(index).ok()?).copied()
            }
            _ => None,
        }
    }

    /// `reduce(f, items, start)`.
    fn reduce_over(&mut self, span: &Range<usize>, arguments: &[Value], fuel: u8) -> Value {
        let function = arguments.first().copied().unwrap_or(Value::UNKNOWN);
        let iterable = arguments.get(1).copied().unwrap_or(Value::UNKNOWN);
        let (items, all) = self.iterated(iterable);
        let mut items = items.into_iter();
        let Some(mut value) = arguments.get(2).copied().or_else(|| items.next()) else {
            return self.call(span.clone(), function, &[], false, None, How::Indirect, fuel);
        };
        for item in items {
            value =
                self.call(span.clone(), function, &[value, item], true, None, How::Indirect, fuel);
        }
        if all { value } else { Value::UNKNOWN }
    }

    /// `map(f, items, …)`: the first items stand for all.
    fn map_over(
        &mut self,
        span: &Range<usize>,
        function: Value,
        iterables: &[Value],
        starred: bool,
        fuel: u8,
    ) {
        let columns: Vec<Vec<Value>> =
            iterables.iter().map(|&iterable| self.iterated(iterable).0).collect();
        let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
        if rows == 0 {
            self.call(span.clone(), function, &[], false, None, How::Indirect, fuel);
        }
        for row in 0..rows {
            let mut arguments: Vec<Value> =
                columns.iter().filter_map(|column| column.get(row).copied()).collect();
            if starred {
                arguments =
                    arguments.first().map(|&row| self.arena.items(row, KEPT).0).unwrap_or_default();
            }
            self.call(span.clone(), function, &arguments, true, None, How::Indirect, fuel);
        }
    }

    fn iterated(&self, iterable: Value) -> (Vec<Value>, bool) {
        match self.arena.shape(iterable) {
            Some(Shape::List | Shape::Tuple | Shape::Set | Shape::FrozenSet) => {
                self.arena.items(iterable, FOLLOWED)
            }
            Some(Shape::Dict) => {
                let (items, all) = self.arena.items(iterable, FOLLOWED);
                (items.into_iter().step_by(2).collect(), all)
            }
            _ => (Vec::new(), false),
        }
    }

    /// A constant that is itself loaded.
    fn nested_load(
        &mut self,
        span: &Range<usize>,
        callee: Value,
        (module, name): (&str, &str),
        arguments: &[Value],
    ) {
        let pickle = match (module, name) {
            (
                "pickle" | "dill" | "dill._dill" | "cloudpickle" | "cloudpickle.cloudpickle",
                name,
            ) => {
                matches!(name, "loads" | "load" | "_loads" | "_load" | "Unpickler" | "_Unpickler")
            }
            (
                "joblib"
                | "joblib.numpy_pickle"
                | "torch"
                | "torch.serialization"
                | "numpy"
                | "numpy.lib.npyio"
                | "numpy.lib._npyio_impl",
                "load",
            )
            | ("torch.storage", "_load_from_bytes")
            | ("pandas" | "pandas.io.pickle", "read_pickle") => true,
            ("marshal", "loads" | "load") => false,
            _ => return,
        };
        let mut constant = arguments.first().copied().unwrap_or(Value::UNKNOWN);
        // `load(BytesIO(bytes))`.
        if let Some((module, name)) =
            self.arena.first(constant).and_then(|file| self.canonical(file))
            && module == "io"
            && name == "BytesIO"
        {
            constant = self
                .arena
                .item(constant, 1)
                .and_then(|arguments| self.arena.first(arguments))
                .unwrap_or(Value::UNKNOWN);
        }
        if self.arena.shape(constant) == Some(Shape::ByteArray) {
            constant = self.arena.first(constant).unwrap_or(Value::UNKNOWN);
        }
        let Some(loader) = self.global_name(callee).cloned() else { return };
        let folded = matches!(constant.kind(), Kind::Folded(_));
        let range = match self.range(constant) {
            Some(range) => range,
            None if folded => span.clone(),
            None => return,
        };
        let bytes = if folded {
            self.raw(constant, FOLDED).map(std::borrow::Cow::into_owned)
        } else {
            None
        };
        let content = bytes.as_deref().or_else(|| self.data.get(range.clone())).unwrap_or_default();
        // Anything else, an archive for example, is for the caller to look into.
        let analysed = pickle && crate::looks_like_pickle(content);
        let first = self.nested.insert((range.start, range.end));
        if first || self.another(6, usize::MAX, How::Reduce, 256) {
            self.event(span.clone(), EventKind::Nested { range: range.clone(), loader, analysed });
        }
        if analysed && first {
            let depth = self.depth.saturating_add(1);
            self.pending.push(Pending { range, bytes, depth, search: false });
        }
    }
}
