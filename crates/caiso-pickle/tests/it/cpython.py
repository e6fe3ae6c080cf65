"""Prints pickles and what CPython makes of them, one JSON object a line.

Each has the bytes in hexadecimal, the listing of pickletools (position, name, end, integer argument), and
for both unpicklers the globals asked for and whether loading succeeded. Nothing is imported or called:
every global is a class of this file that takes anything.
"""

import array
import collections
import datetime
import decimal
import fractions
import io
import json
import pickle
import pickletools
import random
import resource
import struct
import sys
import warnings

warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
sys.setrecursionlimit(3000)


class Anything:
    def __new__(cls, *arguments, **keywords):
        return object.__new__(cls)

    def __init__(self, *arguments, **keywords):
        pass

    def __call__(self, *arguments, **keywords):
        return Anything()

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, value):
        pass

    extend = add = append


def logging(base):
    class Logging(base):
        def find_class(self, module, name):
            self.log.append([module, name])
            return Anything

        def persistent_load(self, identifier):
            return Anything()

    return Logging


UNPICKLERS = {"python": logging(pickle._Unpickler), "c": logging(pickle.Unpickler)}


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


class Slots:
    __slots__ = ("a", "b")


class Arguments(tuple):
    def __new__(cls, *items):
        return tuple.__new__(cls, items)

    def __getnewargs_ex__(self):
        return tuple(self), {}


def value(rng, depth=0):
    kind = rng.randrange(26 if depth < 4 else 14)
    if kind == 0:
        return None
    if kind == 1:
        return rng.random() < 0.5
    if kind == 2:
        return rng.randrange(-5, 300)
    if kind == 3:
        return rng.randrange(-(2**70), 2**70)
    if kind == 4:
        return rng.choice([0.0, -1.5, 1e300, float("inf"), float("nan"), rng.random()])
    if kind in (5, 6, 7):
        return "".join(rng.choice("abcXYZ019 \n\\'\"é漢\U0001f600\x00") for _ in range(rng.randrange(20)))
    if kind == 8:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(20)))
    if kind == 9:
        return bytearray(rng.randrange(256) for _ in range(rng.randrange(20)))
    if kind == 10:
        return rng.choice([len, print, dict, datetime.date, collections.OrderedDict, pickle.PickleError])
    if kind == 11:
        return rng.choice(["x" * rng.choice([254, 255, 256, 300, 70000]), b"y" * rng.choice([255, 256, 66000])])
    if kind == 12:
        return datetime.datetime(2020, 1, rng.randrange(1, 28), tzinfo=datetime.timezone.utc)
    if kind == 13:
        return rng.choice([decimal.Decimal("1.5"), fractions.Fraction(1, 3), 1 + 2j, range(3), slice(1, 2), ...])
    items = [value(rng, depth + 1) for _ in range(rng.choice([0, 1, 2, 3, 4, 7]))]
    if rng.random() < 0.2 and items:
        items.append(items[0])
    if kind in (14, 15, 16):
        return items
    if kind in (17, 18):
        return tuple(items)
    if kind == 19:
        return {str(index): item for index, item in enumerate(items)}
    if kind == 20:
        return {index for index in range(rng.randrange(5))}
    if kind == 21:
        return frozenset(str(index) for index in range(rng.randrange(5)))
    if kind == 22:
        return Point(items, rng.random())
    if kind == 23:
        slots = Slots()
        slots.a = items
        return slots
    if kind == 24:
        return collections.deque(items)
    return Arguments(*items)


def dump(rng, what, protocol):
    out = io.BytesIO()
    pickler = rng.choice([pickle._Pickler, pickle.Pickler])(out, protocol)
    if rng.random() < 0.1:
        pickler.persistent_id = lambda thing: "id" if isinstance(thing, float) else None
    try:
        pickler.dump(what)
    except (TypeError, ValueError, pickle.PicklingError):
        # Slots need protocol 2, keyword arguments protocol 4.
        return dump(rng, what, 4)
    return out.getvalue()


LINES = {
    "decimalnl_short": ["0", "1", "2", "00", "01", "7", "-1", "010", " 3", "1_0", "0x10", "", "x", "1\x00x", "+1"],
    "decimalnl_long": ["0L", "12", "-5L", "0x1fL", "010", "", "L", "1_0", "7\x00L"],
    "floatnl": ["1.5", "nan", "-inf", " 1", "1_0", "", "x", "1e5", "infinity", "."],
    "stringnl": ["'a'", '"b\\n"', "''", "a", "'", "'\\x4", "'\\x41'", "'os'"],
    "stringnl_noescape": ["id", "", "7"],
    "unicodestringnl": ["abc", "\\u0041", "", "os"],
}
NAMES = ["os", "system", "a", "b.c", "builtins", "eval", ""]


def argument(rng, opcode):
    """A random argument of an opcode, mostly valid."""
    if opcode.arg is None:
        return b""
    name = opcode.arg.name
    if name == "stringnl_noescape_pair":
        return ("%s\n%s\n" % (rng.choice(NAMES), rng.choice(NAMES))).encode()
    if name in LINES:
        return rng.choice(LINES[name]).encode() + b"\n"
    payload = rng.choice([b"", b"os", b"system", b"a" * rng.randrange(9), b"\xc3\xa9"])
    if name in ("bytes1", "unicodestring1", "string1", "long1"):
        return bytes([len(payload)]) + payload
    if name in ("bytes4", "unicodestring4", "string4", "long4"):
        return struct.pack("<i", rng.choice([len(payload)] * 9 + [-1])) + payload
    if name in ("bytes8", "unicodestring8", "bytearray8"):
        return struct.pack("<Q", len(payload)) + payload
    if name == "uint1":
        return bytes([rng.choice([0, 1, 2, 3, 4, 5, 9])])
    if name == "uint2":
        return struct.pack("<H", rng.randrange(4))
    if name == "int4":
        return struct.pack("<i", rng.randrange(-1, 4))
    if name == "uint4":
        return struct.pack("<I", rng.randrange(4))
    if name == "uint8":
        return struct.pack("<Q", rng.choice([0, 1, 2, 5, 10, 20, 1000]))
    return struct.pack(">d", 1.5)


BY_NAME = {opcode.name: opcode for opcode in pickletools.opcodes}
STARTERS = """NONE BININT1 SHORT_BINUNICODE SHORT_BINUNICODE MARK EMPTY_LIST EMPTY_DICT EMPTY_TUPLE EMPTY_SET
GLOBAL GLOBAL NEWTRUE INT UNICODE STRING""".split()


def assemble(rng):
    """Random instructions, with enough on the stack that most of them run."""
    out = b"\x80\x04" if rng.random() < 0.7 else b""
    for _ in range(rng.randrange(2, 25)):
        if rng.random() < 0.55:
            opcode = BY_NAME[rng.choice(STARTERS)]
        elif rng.random() < 0.15:
            out += b"cos\nsystem\n(U\x02idtR"
            continue
        elif rng.random() < 0.1:
            out += b"U\x02osU\x06system\x93"
            continue
        else:
            opcode = rng.choice(pickletools.opcodes)
            if opcode.name == "STOP":
                continue
        out += opcode.code.encode("latin-1") + argument(rng, opcode)
    return out + b"."


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        where = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and where < len(data):
            data[where] ^= 1 << rng.randrange(8)
        elif kind == 1 and where < len(data):
            data[where] = ord(rng.choice(pickletools.opcodes).code)
        elif kind == 2:
            opcode = rng.choice(pickletools.opcodes)
            data[where:where] = opcode.code.encode("latin-1") + argument(rng, opcode)
        elif kind == 3:
            del data[where : where + rng.randrange(1, 4)]
        else:
            del data[where:]
        if not data:
            data = bytearray(b".")
    return bytes(data)


def listing(data):
    file = io.BytesIO(data)
    out = []
    try:
        for opcode, found, position in pickletools.genops(file):
            number = found if type(found) is int and len(opcode.code) == 1 else None
            out.append([position, opcode.name, file.tell(), number if number is None else str(number)])
    except Exception as error:
        return out, "%s: %s" % (type(error).__name__, error)
    return out, None


def load(kind, data):
    unpickler = UNPICKLERS[kind](io.BytesIO(data))
    unpickler.log = []
    try:
        unpickler.load()
    except Exception as error:
        return {"log": unpickler.log, "error": "%s: %s" % (type(error).__name__, str(error)[:200])}
    return {"log": unpickler.log, "error": None}


def main():
    rng = random.Random(int(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        if number % 3 == 0:
            data = assemble(rng)
        else:
            data = dump(rng, value(rng), rng.randrange(6))
        if number % 3 == 2 or rng.random() < 0.1:
            data = mutate(rng, data)
        ops, error = listing(data)
        print(json.dumps({
            "pickle": data.hex(), "ops": ops, "error": error, "python": load("python", data), "c": load("c", data),
        }))


main()
