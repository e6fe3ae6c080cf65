"""What an outsider does with a bill of materials: validate it strictly against the schema of CycloneDX 1.6, hash the files
again, follow every reference, read every package URL, and compare two runs byte by byte.

usage: bom.py CAISO FOLDER...
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

HASHED = {"machine-learning-model", "data", "file"}


def path_of(component):
    """The place of a component that is a file: the reference without its first part."""
    return component["bom-ref"].split("/", 1)[1]


def check(caiso, folder):
    run = lambda *words: subprocess.run([caiso, "bom", *words], capture_output=True)
    first = run(folder, "--jobs", "1")
    assert first.returncode in (0, 3), first.stderr.decode()
    second = run(str(pathlib.Path(folder).resolve()), "--jobs", "8")
    assert first.stdout == second.stdout, f"{folder}: two runs differ"
    text = first.stdout.decode()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, f"{folder}: {error!r}"
    bom = json.loads(text)
    parsed = Bom.from_json(bom)
    assert len(parsed.components) == len(bom["components"]), "the library merges components"

    models = 0
    for component in bom["components"]:
        if component["type"] in HASHED:
            content = (pathlib.Path(folder) / path_of(component)).read_bytes()
            assert component["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]
        if component["type"] == "machine-learning-model":
            models += 1
            assert component["modelCard"]["modelParameters"] is not None
        if "purl" in component:
            purl = PackageURL.from_string(component["purl"])
            if component["type"] in ("library", "framework"):
                assert (purl.name, purl.version) == (component["name"], component.get("version"))
    assert models, f"{folder}: no model"

    references = [component["bom-ref"] for component in bom["components"]]
    references.append(bom["metadata"]["component"]["bom-ref"])
    assert len(set(references)) == len(references), "a reference is used twice"
    assert sorted(references) == sorted(row["ref"] for row in bom["dependencies"])
    reached, todo = set(), [bom["metadata"]["component"]["bom-ref"]]
    needs = {row["ref"]: row.get("dependsOn", []) for row in bom["dependencies"]}
    while todo:
        reference = todo.pop()
        if reference not in reached:
            reached.add(reference)
            todo.extend(needs[reference])
    assert reached == set(references), f"not reached: {set(references) - reached}"
    for component in bom["components"]:
        for data in component.get("modelCard", {}).get("modelParameters", {}).get("datasets", []):
            assert "ref" not in data or data["ref"] in references
    return models, len(bom["components"])


ODD_CARD = """---
license: [mit, "MIT OR Apache-2.0", other]
license_name: we ird
license_link: "javascript:<x>"
datasets: [a b, acme/loans]
base_model: "a/b c"
tags: [1, x]
model-index: nothing
co2_eq_emissions: {emissions: 1.5, geographical_location: Delft}
---
# Uses
Trying names.
"""


def odd(folder):
    """Names and texts that no URL, reference or licence takes as they are."""
    model = b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93)R."
    inner = folder / "a b:c%" / "\u00fc"
    inner.mkdir(parents=True)
    for place in (inner / "model.pkl", folder / "-.pkl", folder / "#x?.pkl"):
        place.write_bytes(model)
    (folder / "a b:c%" / "README.md").write_text(ODD_CARD)
    (folder / "requirements.txt").write_text("a==1!2.0+x\nb @ git+https://example.org/b\n===\nc==1.0\nC>=0\n")
    return str(folder)


def main():
    caiso, *folders = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        folders.append(odd(pathlib.Path(temporary)))
        counts = [check(caiso, folder) for folder in folders]
    models, components = (sum(column) for column in zip(*counts))
    print(f"an outsider validated {len(folders)} bills of materials with {models} models and {components} components")


main()
