"""Signs and verifies a model with caiso and with the package model-signing, each the other's.

    signing.py CAISO

Needs the packages of xtask/parity/requirements-signing.txt and openssl.
"""

import pathlib
import subprocess
import sys
import tempfile


def run(*command, expect=0, folder=None):
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False)
    if (done.returncode == 0) != (expect == 0):
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def peer(*arguments, expect=0, folder):
    return run(sys.executable, "-m", "model_signing", *arguments, expect=expect, folder=folder)


def main():
    caiso = pathlib.Path(sys.argv[1]).resolve()
    rounds = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = folder / "my model"
        (model / "sub").mkdir(parents=True)
        (model / ".git").mkdir()
        (model / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        (model / "weights.bin").write_bytes(bytes(range(256)) * 5000)
        (model / "sub" / "größe.json").write_text("{}")
        (model / "empty").write_bytes(b"")
        for curve in ("prime256v1", "secp384r1"):
            run("openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", f"{curve}.pem", folder=folder)
            run("openssl", "ec", "-in", f"{curve}.pem", "-pubout", "-out", f"{curve}.pub", folder=folder)
            key, public = f"{curve}.pem", f"{curve}.pub"
            run(caiso, "sign", model, "--key", key, "--signature", "ours.sig", folder=folder)
            peer("verify", "key", model, "--signature", "ours.sig", "--public_key", public, folder=folder)
            peer("sign", "key", model, "--signature", "theirs.sig", "--private_key", key, folder=folder)
            run(caiso, "verify", model, "--signature", "theirs.sig", "--key", public, folder=folder)
            # A signature in the folder is no part of the model.
            run(caiso, "sign", model, "--key", key, "--signature", model / "model.sig", folder=folder)
            run(caiso, "verify", model, "--signature", model / "model.sig", "--key", public, folder=folder)
            peer("verify", "key", model, "--signature", model / "model.sig", "--public_key", public, folder=folder)
            (model / "model.sig").unlink()
            # Another key, a changed file, a file that is not signed.
            run("openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", "other.pem", folder=folder)
            run("openssl", "ec", "-in", "other.pem", "-pubout", "-out", "other.pub", folder=folder)
            run(caiso, "verify", model, "--signature", "theirs.sig", "--key", "other.pub", expect=1, folder=folder)
            (model / "new.txt").write_text("new")
            run(caiso, "verify", model, "--signature", "theirs.sig", "--key", public, expect=1, folder=folder)
            peer("verify", "key", model, "--signature", "ours.sig", "--public_key", public, expect=1, folder=folder)
            (model / "new.txt").unlink()
            rounds += 1
        (model / "link").symlink_to("weights.bin")
        run(caiso, "sign", model, "--key", "prime256v1.pem", "--signature", "linked.sig", expect=2, folder=folder)
    print(f"caiso and model-signing verified each other's signatures on {rounds} curves and refused what was changed")


if __name__ == "__main__":
    main()
