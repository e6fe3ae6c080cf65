"""What an outsider does with a ledger and a receipt, without a line of caiso: recompute the Merkle tree,
the signatures and the commitments from the published formats (RFC 6962, C2SP, DSSE, RFC 8785 bytes as sealed).

usage: verify.py CAISO SYSTEM
"""

import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaves):
    """RFC 6962, section 2.1, by its definition."""
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha(b"\x01", root_of(leaves[:split]), root_of(leaves[split:]))


def climb(leaf, index, size, proof):
    """RFC 9162, section 2.1.3.2: root from an inclusion proof."""
    node, at, last = leaf, index, size - 1
    for sibling in proof:
        assert last > 0
        if at & 1 or at == last:
            node = sha(b"\x01", sibling, node)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            node = sha(b"\x01", node, sibling)
        at >>= 1
        last >>= 1
    assert last == 0
    return node


class Key:
    """A C2SP verifier key: name+id+base64(type || Ed25519 key)."""

    def __init__(self, text):
        self.name, self.id, encoded = text.strip().split("+", 2)
        raw = base64.b64decode(encoded)
        assert raw[0] == 1 and len(raw) == 33
        assert sha(self.name.encode(), b"\n", raw)[:4].hex() == self.id
        self.public = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, note):
        """Text of a signed note, if this key signed it."""
        text, signatures = note.rsplit("\n\n", 1)
        text += "\n"
        for line in signatures.splitlines():
            mark, name, encoded = line.split(" ")
            raw = base64.b64decode(encoded)
            if mark == "\u2014" and name == self.name and raw[:4].hex() == self.id:
                self.public.verify(raw[4:], text.encode())
                origin, size, root = text.splitlines()[:3]
                assert origin == self.name
                return int(size), base64.b64decode(root)
        raise InvalidSignature("the key did not sign this note")


def check_receipt(text, key):
    head, note = text.split("\n\n", 1)
    lines = head.splitlines()
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    shown = json.loads(base64.b64decode(lines[1].removeprefix("extra ")))
    index = int(lines[2].removeprefix("index "))
    proof = [base64.b64decode(line) for line in lines[3:]]
    size, root = key.open(note)
    entry = json.dumps(shown["entry"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert climb(sha(b"\x00", entry), index, size, proof) == root, "not in the tree"
    envelope = shown["opening"]["envelope"]
    body = json.dumps(envelope, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    salt = bytes.fromhex(shown["opening"]["salt"])
    assert sha(b"\x02", salt, body).hex() == shown["entry"]["commitment"], "another body"
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    key.public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), pae)
    return json.loads(payload)


def main():
    caiso, system = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        copy = folder / "system"
        shutil.copytree(system, copy, ignore=shutil.ignore_patterns(".caiso"))
        run = lambda *words: subprocess.run([caiso, *words], cwd=copy, check=True, capture_output=True, text=True).stdout
        report = json.loads(run("assess", "--quiet", "--exit-zero", "--format", "json"))
        key = Key((copy / ".caiso/keys/ledger.vkey").read_text())

        size, root = key.open(report["ledger"]["checkpoint"])
        assert (size, root.hex()) == (report["ledger"]["size"], report["ledger"]["root"])
        digests = {row["seq"]: row["digest"] for row in report["evidence"]}
        assert digests, "nothing was sealed"
        for seq, digest in digests.items():
            receipt = run("ledger", "prove", str(seq))
            statement = check_receipt(receipt, key)
            assert statement["predicate"]["check"], statement
            encoded = receipt.splitlines()[1].removeprefix("extra ")
            envelope = json.loads(base64.b64decode(encoded))["opening"]["envelope"]
            assert hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest() == digest

        run("ledger", "export", str(folder / "log"))
        leaves = []
        bundles = sorted(
            path for path in (folder / "log/tile/entries").rglob("*") if path.is_file()
        )
        for bundle in bundles:
            raw = bundle.read_bytes()
            while raw:
                length = int.from_bytes(raw[:2], "big")
                leaves.append(sha(b"\x00", raw[2 : 2 + length]))
                raw = raw[2 + length :]
        size, root = key.open((folder / "log/checkpoint").read_text())
        assert len(leaves) == size and root_of(leaves) == root, "the exported tree has another root"
        print(f"an outsider verified {len(digests)} receipts and a log of {size} records")


main()
