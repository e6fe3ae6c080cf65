"""Archives written byte by byte, so that each field can be made to lie."""

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass


@dataclass
class Entry:
    """One zip entry; every field that a reader may trust can be set apart from the truth."""

    name: str | bytes
    data: bytes
    central_name: str | bytes | None = None
    flags: int = 0
    central_flags: int | None = None
    crc: int | None = None
    deflate: bool = False
    method: int | None = None
    size: int | None = None
    attributes: int = 0
    signature: bytes = b"PK\x03\x04"
    extra: bytes = b""
    in_central: bool = True
    in_local: bool = True


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


def zip_of(entries, prefix=b"", comment=b"", shift=True, marker=b""):
    """A zip of `entries` after `prefix`; offsets count the prefix unless `shift` is false."""
    out = bytearray(prefix) + marker
    base = 0 if shift else len(prefix)
    central = bytearray()
    count = 0
    for entry in entries:
        offset = len(out) - base
        body = entry.data
        method = 0
        if entry.deflate:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            body = packer.compress(body) + packer.flush()
            method = 8
        if entry.method is not None:
            method = entry.method
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        size = len(entry.data) if entry.size is None else entry.size
        name = _bytes(entry.name)
        if entry.in_local:
            out += entry.signature + struct.pack(
                "<HHHHHIIIHH", 20, entry.flags, method, 0, 33, crc, len(body), size, len(name), len(entry.extra)
            )
            out += name + entry.extra + body
        if not entry.in_central:
            continue
        count += 1
        listed = _bytes(entry.name if entry.central_name is None else entry.central_name)
        flags = entry.flags if entry.central_flags is None else entry.central_flags
        central += b"PK\x01\x02" + struct.pack(
            "<HHHHHHIIIHHHHHII",
            0x0314, 20, flags, method, 0, 33, crc, len(body), size, len(listed), 0, 0, 0, 0,
            entry.attributes, offset,
        )
        central += listed
    start = len(out) - base
    out += central
    out += b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), start, len(comment))
    return bytes(out + comment)


def zip_files(files, deflate=False, **options):
    """A plain zip of a mapping of name to bytes."""
    return zip_of([Entry(name, data, deflate=deflate) for name, data in files.items()], **options)


def tar_files(files, links=()):
    """A POSIX tar of a mapping of name to bytes; `links` holds (name, target, type)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target, kind in links:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = target
            tar.addfile(info)
    return out.getvalue()


def _number(value):
    """The variable-length integer of the 7z format."""
    for extra in range(8):
        if value < 1 << (7 * (extra + 1)):
            first = (0xFF << (8 - extra)) & 0xFF | value >> (8 * extra)
            return bytes([first]) + (value & ((1 << (8 * extra)) - 1)).to_bytes(extra, "little")
    return b"\xff" + value.to_bytes(8, "little")


def sevenz_of(name, data, coder="copy"):
    """A 7z archive with one file, stored, as LZMA2, or marked as encrypted (AES, garbage text)."""
    if coder == "copy":
        packed, method = data, b"\x01\x00"
    elif coder == "lzma2":
        filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
        packed = lzma.compress(data, lzma.FORMAT_RAW, filters=filters)
        method = b"\x21\x21\x01\x08"
    else:
        packed = bytes((i * 73 + 41) & 0xFF for i in range((len(data) + 15) // 16 * 16))
        method = b"\x24\x06\xf1\x07\x01\x02\x13\x00"
    crc = struct.pack("<I", zlib.crc32(data))
    title = b"\x00" + (name + "\0").encode("utf-16-le")
    header = b"\x01\x04"
    header += b"\x06" + _number(0) + _number(1) + b"\x09" + _number(len(packed)) + b"\x00"
    header += b"\x07\x0b" + _number(1) + b"\x00" + _number(1) + method
    header += b"\x0c" + _number(len(data)) + b"\x0a\x01" + crc + b"\x00"
    header += b"\x08\x00\x00"
    header += b"\x05" + _number(1) + b"\x11" + _number(len(title)) + title + b"\x00\x00"
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + packed + header


def encrypted_zip(name, data):
    """A zip whose one entry claims traditional encryption; the text is not decryptable."""
    scrambled = bytes((b + i * 29 + 7) & 0xFF for i, b in enumerate(b"\x00" * 12 + data))
    return zip_of([Entry(name, scrambled, flags=1, crc=zlib.crc32(data), size=len(data))])


def is_readable(data):
    """Whether the standard library opens `data` as a zip; used by the tests of this corpus."""
    return zipfile.is_zipfile(io.BytesIO(data))
