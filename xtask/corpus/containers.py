"""Payloads inside archives and compressed streams, polyglots, and archives that lie."""

import bz2
import gzip
import lzma
import tarfile
import zlib

import lz4.frame
import zstandard

from archives import Entry, encrypted_zip, sevenz_of, tar_files, zip_files, zip_of
from pickle_asm import dump, system

BENIGN = dump({"weights": [0.1, 0.2]})
ELF = b"\x7fELF\x02\x01\x01\x00" + bytes(8) + b"\x02\x00\x3e\x00\x01\x00\x00\x00" + bytes(40)
PE = b"MZ" + bytes(58) + b"\x80\x00\x00\x00" + bytes(64) + b"PE\0\0\x64\x86" + bytes(20)
SYMLINK = 0o120777 << 16


def gz(data):
    return gzip.compress(data, mtime=0)


def zstd(data):
    return zstandard.ZstdCompressor(level=3).compress(data)


def lz(data):
    return lz4.frame.compress(data)


PACKERS = {
    "gz": gz,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zlib": lambda data: zlib.compress(data, 9),
    "zst": zstd,
    "lz4": lz,
}


def build(corpus):
    compressed(corpus)
    nested(corpus)
    lying_zips(corpus)
    members(corpus)
    polyglots(corpus)
    extensions(corpus)


def compressed(corpus):
    for ext, pack in PACKERS.items():
        refs = ["saferpickle#44"] if ext == "lzma" else []
        corpus.malicious(f"compressed.pkl.{ext}", ext, f"a payload compressed as {ext}", pack(system()), refs)
        corpus.malicious(f"compressed-protocol-0.pkl.{ext}", ext, f"a payload of protocol 0 compressed as {ext}", pack(system(0)), ["saferpickle#41"] if ext in ("gz", "bz2", "xz") else [])
        corpus.benign(f"compressed.pkl.{ext}", ext, f"a plain pickle compressed as {ext}", pack(BENIGN))
    corpus.malicious("gzip-two-members.pkl.gz", "gz", "the payload is the second member of a gzip file", gz(BENIGN) + gz(system()))
    corpus.malicious("zstd-skippable.pkl.zst", "zst", "a skippable frame before the payload", b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + zstd(system()))
    corpus.malicious("gzip-trailing-pickle.gz", "gz", "a payload follows a gzip file", gz(BENIGN) + system())
    corpus.suspicious("truncated.pkl.gz", "gz", "a gzip file cut before its end", gz(dump(list(range(4000))))[:900])
    corpus.suspicious("gzip-wrong-crc.pkl.gz", "gz", "a gzip file with a wrong checksum", gz(BENIGN)[:-8] + b"\0\0\0\0" + gz(BENIGN)[-4:])
    corpus.suspicious("bomb.gz", "gz", "128 MiB of zeros in 128 KiB", _zeros_gz(128))
    corpus.suspicious("bomb-twice.zip", "zip", "128 MiB of zeros, packed twice", zip_files({"layer.bin": gz(_zeros_gz(128))}, deflate=True))


def _zeros_gz(mebibytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    out = b"".join(packer.compress(block) for _ in range(mebibytes))
    return out + packer.flush()


def nested(corpus):
    payload = system()
    corpus.malicious("payload.zip", "zip", "a payload in a zip", zip_files({"data.pkl": payload}))
    corpus.malicious("payload-deflated.zip", "zip", "a payload in a zip, compressed", zip_files({"data.pkl": payload}, deflate=True))
    corpus.malicious("payload.tar", "tar", "a payload in a tar", tar_files({"model/data.pkl": payload}))
    corpus.malicious("payload.tar.gz", "tar", "a payload in a compressed tar", gz(tar_files({"model/data.pkl": payload})))
    corpus.malicious("payload.tar.xz", "tar", "a payload in a tar of xz", lzma.compress(tar_files({"model/data.pkl": payload})))
    corpus.malicious("payload.tar.zst", "tar", "a payload in a tar of zstd", zstd(tar_files({"model/data.pkl": payload})))
    corpus.malicious("payload-stored.7z", "7z", "a payload in a 7z archive, stored", sevenz_of("data.pkl", payload))
    corpus.malicious("payload-lzma2.7z", "7z", "a payload in a 7z archive, compressed", sevenz_of("data.pkl", payload, "lzma2"))
    corpus.suspicious("encrypted.7z", "7z", "a 7z archive with a password", sevenz_of("data.pkl", payload, "aes"))
    corpus.malicious("zip-in-zip.zip", "zip", "a zip in a zip", zip_files({"inner.zip": zip_files({"data.pkl": payload})}))
    corpus.malicious("zip-in-tar-in-gz.tgz", "tar", "a zip in a tar in gzip", gz(tar_files({"a/inner.zip": zip_files({"data.pkl": payload})})))
    corpus.malicious("gz-in-zip-in-7z.7z", "7z", "gzip in a zip in a 7z archive", sevenz_of("inner.zip", zip_files({"x.gz": gz(payload)})))
    corpus.malicious("four-deep.zip", "zip", "four archives deep", zip_files({"1.zip": zip_files({"2.tar": tar_files({"3.zip": zip_files({"4.xz": lzma.compress(payload)})})})}))
    corpus.malicious("tar-in-npz.npz", "zip", "a tar with a payload among arrays", zip_files({"a.npy": BENIGN, "b.npy": tar_files({"data.pkl": payload})}))
    deep = payload
    for level in range(40):
        deep = zip_files({f"{level}.zip": deep}, deflate=True)
    corpus.suspicious("forty-deep.zip", "zip", "forty archives deep: over any sane budget", deep)
    corpus.benign("plain.zip", "zip", "a zip with a plain pickle and notes", zip_files({"data.pkl": BENIGN, "notes.txt": b"os.system is only a word here\n"}))
    corpus.benign("plain.tar.gz", "tar", "a compressed tar with a plain pickle", gz(tar_files({"model/data.pkl": BENIGN, "model/README.md": b"# model\n"})))
    corpus.benign("plain.7z", "7z", "a 7z archive with a plain pickle", sevenz_of("data.pkl", BENIGN, "lzma2"))
    corpus.benign("zip-in-zip.zip", "zip", "a zip in a zip, plain", zip_files({"inner.zip": zip_files({"data.pkl": BENIGN})}))
    corpus.benign("empty.zip", "zip", "an empty zip", zip_files({}))


def lying_zips(corpus):
    payload = system()
    corpus.malicious("zip-names-differ.zip", "zip", "local and central names differ", zip_of([Entry("datap.kl", payload, central_name="data.pkl")]), ["CVE-2025-1944", "GHSA-7q5r-7gvp-wc82"])
    corpus.malicious("zip-names-differ-local.zip", "zip", "the local name is a pickle, the central one a text", zip_of([Entry("data.pkl", payload, central_name="data.txt")]), ["CVE-2025-1944"])
    for bit in (0x1, 0x20, 0x40):
        corpus.malicious(f"zip-flag-{bit:#x}.zip", "zip", f"flag {bit:#x} makes a strict reader raise", zip_of([Entry("data.pkl", payload, flags=0, central_flags=bit)]), ["CVE-2025-1945", "GHSA-w8jq-xcqf-f792"])
        corpus.malicious(f"zip-flag-both-{bit:#x}.zip", "zip", f"flag {bit:#x} in both headers over a plain body", zip_of([Entry("data.pkl", payload, flags=bit)]), ["CVE-2025-1945", "GHSA-w8jq-xcqf-f792"])
    corpus.malicious("zip-wrong-crc.zip", "zip", "a wrong checksum", zip_of([Entry("data.pkl", payload, crc=0x12345678)]), ["CVE-2025-10156", "GHSA-mjqp-26hc-grxg"])
    corpus.malicious("zip-wrong-size.zip", "zip", "a wrong uncompressed size", zip_of([Entry("data.pkl", payload, size=7)]))
    corpus.malicious("zip-bad-entry-first.zip", "zip", "a broken local header before the payload", zip_of([Entry("archive/byteorder", b"little", signature=b"PK\x03\x99"), Entry("archive/data.pkl", payload)]), ["modelscan#354"])
    corpus.malicious("zip-spanned-marker.zip", "zip", "the archive begins with the marker of a spanned archive", zip_of([Entry("data.pkl", payload)], marker=b"PK\x07\x08"), ["saferpickle#46"])
    corpus.malicious("zip-single-marker.zip", "zip", "the archive begins with the marker of a split archive in one piece", zip_of([Entry("data.pkl", payload)], marker=b"PK\x30\x30"))
    corpus.malicious("zip-duplicate-entries.zip", "zip", "two entries of one name, the second is the payload", zip_of([Entry("data.pkl", BENIGN), Entry("data.pkl", payload)]))
    corpus.malicious("zip-duplicate-first.zip", "zip", "two entries of one name, the first is the payload", zip_of([Entry("data.pkl", payload), Entry("data.pkl", BENIGN)]))
    corpus.malicious("zip-case-duplicate.zip", "zip", "two entries whose names differ in case", zip_of([Entry("data.pkl", BENIGN), Entry("DATA.PKL", payload)]))
    corpus.malicious("zip-local-only.zip", "zip", "the payload is in no central record: a streaming reader finds it", zip_of([Entry("hidden.pkl", payload, in_central=False), Entry("data.pkl", BENIGN)]))
    corpus.suspicious("zip-central-only.zip", "zip", "a central record without a local entry", zip_of([Entry("data.pkl", BENIGN), Entry("ghost.pkl", BENIGN, in_local=False)]))
    corpus.malicious("zip-hidden-extra.zip", "zip", "the payload is hidden in an extra field", zip_of([Entry("data.pkl", BENIGN, extra=b"\xca\x15" + len(payload).to_bytes(2, "little") + payload)]))
    corpus.malicious("zip-comment-payload.zip", "zip", "the payload is the comment of the archive", zip_of([Entry("data.pkl", BENIGN)], comment=payload))
    corpus.malicious("zip-two-directories.zip", "zip", "two archives one after the other: readers choose one of them", zip_files({"data.pkl": payload}) + zip_files({"data.pkl": BENIGN}))
    corpus.malicious("zip-prefix-not-counted.zip", "zip", "a prefix that the offsets do not count", zip_of([Entry("data.pkl", payload)], prefix=b"\0" * 64, shift=False))
    corpus.suspicious("zip-unknown-method.zip", "zip", "a compression method that no reader of models knows", zip_of([Entry("data.pkl", BENIGN, method=96)]))
    corpus.suspicious("zip-truncated.zip", "zip", "a zip cut in its central directory", zip_files({"data.pkl": BENIGN, "b": b"x" * 100})[:-30])
    corpus.suspicious("encrypted.zip", "zip", "a zip with a password", encrypted_zip("data.pkl", payload))
    corpus.suspicious("zip-count-lies.zip", "zip", "the count of entries is wrong", _wrong_count(zip_files({"data.pkl": BENIGN, "b.pkl": BENIGN})))


def _wrong_count(data):
    at = data.rindex(b"PK\x05\x06")
    return data[: at + 8] + b"\x01\x00\x01\x00" + data[at + 12 :]


def members(corpus):
    corpus.malicious("zip-traversal.zip", "zip", "a name climbs out of the folder", zip_files({"../../etc/caiso.pkl": BENIGN}))
    corpus.malicious("zip-absolute.zip", "zip", "an absolute name", zip_files({"/etc/caiso": b"caiso\n"}))
    corpus.malicious("zip-backslash.zip", "zip", "a name climbs out with backslashes", zip_files({"..\\..\\caiso.pkl": BENIGN}))
    corpus.malicious("zip-drive.zip", "zip", "a name with a drive letter", zip_files({"C:\\caiso.pkl": BENIGN}))
    corpus.malicious("zip-symlink.zip", "zip", "a symbolic link to a file outside", zip_of([Entry("weights.bin", b"/etc/passwd", attributes=SYMLINK)]))
    corpus.malicious("tar-traversal.tar", "tar", "a name climbs out of the folder", tar_files({"../caiso.pkl": BENIGN}), ["CVE-2024-5187"])
    corpus.malicious("tar-absolute.tar", "tar", "an absolute name", tar_files({"/etc/caiso": b"caiso\n"}), ["CVE-2024-5187"])
    corpus.malicious("tar-symlink.tar", "tar", "a symbolic link to a file outside", tar_files({"model.onnx": b""}, [("weights.bin", "/etc/passwd", tarfile.SYMTYPE)]), ["CVE-2026-27489"])
    corpus.malicious("tar-hardlink.tar", "tar", "a hard link to a file outside", tar_files({"model.onnx": b""}, [("weights.bin", "../../etc/passwd", tarfile.LNKTYPE)]), ["CVE-2026-34446"])
    corpus.malicious("tar-device.tar", "tar", "a device node", tar_files({"a": b"x"}, [("null", "", tarfile.CHRTYPE)]))
    corpus.malicious("zip-elf.zip", "zip", "a program among the weights", zip_files({"data.pkl": BENIGN, "lib/helper.so": ELF}))
    corpus.malicious("zip-pe.zip", "zip", "a program for Windows among the weights", zip_files({"data.pkl": BENIGN, "bin/helper.exe": PE}))
    corpus.malicious("zip-disguised-elf.zip", "zip", "a program named like a text", zip_files({"data.pkl": BENIGN, "vocab.txt": ELF}))
    corpus.malicious("zip-name-not-utf8.zip", "zip", "a name that is not UTF-8 holds the payload", zip_of([Entry(b"mod\xe8le.pkl", system())]))
    corpus.malicious("zip-no-extension.zip", "zip", "the payload has no extension", zip_files({"weights": system()}))
    corpus.malicious("zip-text-extension.zip", "zip", "the payload is named as a text", zip_files({"data.txt": system()}), ["CVE-2025-1889", "GHSA-769v-p64c-89pr", "modelaudit#624"])
    corpus.malicious("sevenz-protocol-0.7z", "7z", "a payload of protocol 0 without extension", sevenz_of("weights", system(0)), ["modelaudit#1044"])


def polyglots(corpus):
    payload = system()
    corpus.malicious("pickle-then-zip.bin", "polyglot", "a pickle payload before a benign zip", zip_of([Entry("data.pkl", BENIGN)], prefix=payload))
    corpus.malicious("zip-then-pickle.bin", "polyglot", "a pickle payload after a benign zip", zip_files({"data.pkl": BENIGN}) + payload)
    corpus.malicious("benign-pickle-then-zip.bin", "polyglot", "a benign pickle before a zip with the payload", zip_of([Entry("data.pkl", payload)], prefix=BENIGN))
    corpus.malicious("elf-then-zip.bin", "polyglot", "a program with a zip appended", zip_of([Entry("model.pkl", BENIGN)], prefix=ELF))
    corpus.malicious("shell-then-zip.bin", "polyglot", "a shell script with a zip appended", zip_of([Entry("model.pkl", BENIGN)], prefix=b"#!/bin/sh\necho caiso\nexit 0\n"))
    corpus.malicious("png-then-pickle.png", "polyglot", "a payload after an image", b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0IEND\xaeB`\x82" + payload)
    corpus.malicious("png-then-zip.png", "polyglot", "a zip with a payload after an image", zip_of([Entry("data.pkl", payload)], prefix=b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0IEND\xaeB`\x82"))
    tar = tar_files({"data.pkl": payload})
    corpus.malicious("tar-with-pickle-name.bin", "polyglot", "a tar that is also a pickle: its first name holds the payload", tar_files({"cos\nsystem\n(S'echo caiso'\ntR.": b""}))
    corpus.malicious("tar-then-zip.bin", "polyglot", "a tar with a payload before a benign zip", zip_of([Entry("data.pkl", BENIGN)], prefix=tar))
    corpus.malicious("pickle-elf-tail.pkl", "polyglot", "a program after a benign pickle", BENIGN + ELF)


def extensions(corpus):
    payload = system()
    old = system(0)
    for ext in ("txt", "json", "safetensors", "onnx", "h5", "gguf", "npy", "png", "dat"):
        corpus.malicious(f"disguised-pickle.{ext}", "pickle", f"a pickle named .{ext}", payload, ["CVE-2025-1889", "GHSA-769v-p64c-89pr"])
    corpus.malicious("disguised-protocol-0.bin", "pickle", "a pickle of protocol 0 named .bin", old, ["CVE-2025-10155", "GHSA-jgw4-cr84-mqxg"])
    corpus.malicious("disguised-pickle.pt", "pickle", "a bare pickle named as a torch file", payload, ["CVE-2025-10155"])
    corpus.malicious("disguised-pickle", "pickle", "a pickle without extension", payload)
    corpus.malicious("disguised-pickle.p", "pickle", "a pickle with a rare extension", payload, ["CVE-2025-1889"])
    corpus.malicious("disguised-zip.pkl", "zip", "a zip with a payload named as a pickle", zip_files({"x": payload}))
    corpus.malicious("disguised-gzip.safetensors", "gz", "a compressed payload named as safe tensors", gz(payload))
