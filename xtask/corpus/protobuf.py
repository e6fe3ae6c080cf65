"""Protocol buffers written by field number, enough for graphs made by hand."""

import struct


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field, value):
    return varint(field << 3) + varint(value)


def block(field, value):
    """A length-delimited field: text, bytes or a nested message already encoded."""
    data = value.encode("utf-8") if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def float32(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def entry(field, key, value):
    """One entry of a `map<string, message>` or `map<string, string>`."""
    return block(field, block(1, key) + block(2, value))
