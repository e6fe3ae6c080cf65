"""A pickle assembler: opcodes by name with their arguments, and values as nested calls.

`op("BINGET", 3)` encodes one opcode, `asm(...)` joins opcodes into a stream, and
`dump(value)` pushes Python constants, `G` (a global), `Call`, `Build` and `Raw` parts.
Nothing is imported or called: a payload exists here only as names.
"""

import pickletools
import struct
from dataclasses import dataclass

_BY_NAME = {code.name: code for code in pickletools.opcodes}


def _long(value):
    if value == 0:
        return b""
    return value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)


def _text(value):
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def _counted(fmt):
    return lambda v: struct.pack(fmt, len(_text(v))) + _text(v)


def _line(value):
    return _text(value) + b"\n"


_ENCODE = {
    "uint1": lambda v: struct.pack("<B", v),
    "uint2": lambda v: struct.pack("<H", v),
    "int4": lambda v: struct.pack("<i", v),
    "uint4": lambda v: struct.pack("<I", v),
    "uint8": lambda v: struct.pack("<Q", v),
    "stringnl": lambda v: _line(b"'" + _text(v).replace(b"\\", b"\\\\").replace(b"'", b"\\'") + b"'"),
    "stringnl_noescape": _line,
    "stringnl_noescape_pair": lambda v: _line(v[0]) + _line(v[1]),
    "decimalnl_short": lambda v: _line(str(v)),
    "decimalnl_long": lambda v: _line(f"{v}L"),
    "floatnl": lambda v: _line(repr(float(v))),
    "float8": lambda v: struct.pack(">d", v),
    "unicodestringnl": _line,
    "string1": _counted("<B"),
    "string4": _counted("<i"),
    "bytes1": _counted("<B"),
    "bytes4": _counted("<I"),
    "bytes8": _counted("<Q"),
    "bytearray8": _counted("<Q"),
    "unicodestring1": _counted("<B"),
    "unicodestring4": _counted("<I"),
    "unicodestring8": _counted("<Q"),
    "long1": lambda v: struct.pack("<B", len(_long(v))) + _long(v),
    "long4": lambda v: struct.pack("<i", len(_long(v))) + _long(v),
}


def op(name, arg=None):
    """One opcode by its `pickletools` name, with its argument."""
    code = _BY_NAME[name]
    head = code.code.encode("latin-1")
    if code.arg is None:
        if arg is not None:
            raise ValueError(f"{name} takes no argument")
        return head
    return head + _ENCODE[code.arg.name](arg)


def asm(*parts):
    """Joins opcodes: a name, a (name, argument) pair, or bytes already encoded."""
    out = b""
    for part in parts:
        if isinstance(part, bytes):
            out += part
        elif isinstance(part, str):
            out += op(part)
        else:
            out += op(*part)
    return out


@dataclass(frozen=True)
class G:
    """A global, `module.name`."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """`function(*args)` by `REDUCE`."""

    function: object
    args: tuple = ()


@dataclass(frozen=True)
class Build:
    """`value.__setstate__(state)` by `BUILD`."""

    value: object
    state: object


@dataclass(frozen=True)
class New:
    """`cls.__new__(cls, *args)` by `NEWOBJ`."""

    cls: object
    args: tuple = ()


@dataclass(frozen=True)
class Persistent:
    """A persistent identifier by `BINPERSID`."""

    id: object


@dataclass(frozen=True)
class Raw:
    """Opcodes already encoded that push one value."""

    code: bytes


def call(module, name, *args):
    """`module.name(*args)`."""
    return Call(G(module, name), args)


def push(value, proto=4):
    """The opcodes that leave `value` on the stack."""
    if isinstance(value, Raw):
        return value.code
    if isinstance(value, G):
        if proto >= 4:
            return push(value.module, proto) + push(value.name, proto) + op("STACK_GLOBAL")
        return op("GLOBAL", (value.module, value.name))
    if isinstance(value, Call):
        return push(value.function, proto) + push(tuple(value.args), proto) + op("REDUCE")
    if isinstance(value, New):
        return push(value.cls, proto) + push(tuple(value.args), proto) + op("NEWOBJ")
    if isinstance(value, Build):
        return push(value.value, proto) + push(value.state, proto) + op("BUILD")
    if isinstance(value, Persistent):
        return push(value.id, proto) + op("BINPERSID")
    if value is None:
        return op("NONE")
    if isinstance(value, bool):
        if proto >= 2:
            return op("NEWTRUE" if value else "NEWFALSE")
        return b"I01\n" if value else b"I00\n"
    if isinstance(value, int):
        return _push_int(value, proto)
    if isinstance(value, float):
        return op("BINFLOAT", value) if proto >= 1 else op("FLOAT", value)
    if isinstance(value, str):
        return _push_str(value, proto)
    if isinstance(value, bytes):
        if proto < 3:
            return push(call("_codecs", "encode", value.decode("latin-1"), "latin1"), proto)
        return op("SHORT_BINBYTES" if len(value) < 256 else "BINBYTES", value)
    if isinstance(value, tuple):
        items = b"".join(push(item, proto) for item in value)
        if proto >= 2 and 0 < len(value) <= 3:
            return items + op(f"TUPLE{len(value)}")
        if proto >= 1 and not value:
            return op("EMPTY_TUPLE")
        return op("MARK") + items + op("TUPLE")
    if isinstance(value, list):
        items = b"".join(push(item, proto) for item in value)
        if proto == 0:
            return op("MARK") + items + op("LIST")
        return op("EMPTY_LIST") + (op("MARK") + items + op("APPENDS") if value else b"")
    if isinstance(value, dict):
        items = b"".join(push(k, proto) + push(v, proto) for k, v in value.items())
        if proto == 0:
            return op("MARK") + items + op("DICT")
        return op("EMPTY_DICT") + (op("MARK") + items + op("SETITEMS") if value else b"")
    raise TypeError(f"no opcode for {type(value).__name__}")


def _push_int(value, proto):
    if proto == 0:
        return op("INT", value)
    if 0 <= value < 256:
        return op("BININT1", value)
    if -(2**31) <= value < 2**31:
        return op("BININT", value)
    return op("LONG1", value) if proto >= 2 else op("LONG", value)


def _push_str(value, proto):
    if proto == 0:
        escaped = value.replace("\\", "\\u005c").replace("\n", "\\u000a")
        return op("UNICODE", escaped.encode("raw-unicode-escape"))
    size = len(_text(value))
    if proto >= 4 and size < 256:
        return op("SHORT_BINUNICODE", value)
    return op("BINUNICODE", value)


def dump(value, proto=4, frame=True):
    """A whole pickle of `value`, framed as CPython frames it when `proto` is 4 or 5."""
    body = push(value, proto) + op("STOP")
    if proto < 2:
        return body
    head = op("PROTO", proto)
    if proto >= 4 and frame:
        head += op("FRAME", len(body))
    return head + body


#: The two payloads of the corpus: both only print.
SHELL = "echo caiso"
PYTHON = "print('caiso')"


def system(proto=4, frame=True):
    """`os.system("echo caiso")` as a pickle."""
    return dump(call("os", "system", SHELL), proto, frame)
