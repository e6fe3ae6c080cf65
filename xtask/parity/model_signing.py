"""Signs and verifies models with the package model-signing, for the peer test of caiso-signing.

    python -m venv venv && venv/bin/pip install -r requirements-signing.txt
    CAISO_MODEL_SIGNING_PYTHON=$PWD/venv/bin/python cargo nextest run -p caiso-signing --run-ignored only

    model_signing.py sign   METHOD MODEL SIGNATURE --key PEM [--certificate PEM --chain PEM]
                            [--ignore PATH]... [--hash blake2] [--shard-size N]
    model_signing.py verify METHOD MODEL SIGNATURE --key PEM | --chain PEM [--ignore PATH]...
                            [--shard-size N]

METHOD is key or certificate. The command line of the package does the work; its library does it where
another hash or shards are asked for, which the command line does not offer. The exit status is that of
the package: 0 where the signature was made or verifies.
"""

import argparse
import subprocess
import sys

# The folder of this script would hide the package of the same name.
sys.path.pop(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["sign", "verify"])
    parser.add_argument("method", choices=["key", "certificate"])
    parser.add_argument("model")
    parser.add_argument("signature")
    parser.add_argument("--key")
    parser.add_argument("--certificate")
    parser.add_argument("--chain")
    parser.add_argument("--ignore", action="append", default=[])
    parser.add_argument("--hash", default="sha256")
    parser.add_argument("--shard-size", type=int)
    arguments = parser.parse_args()
    if arguments.shard_size or arguments.hash != "sha256":
        library(arguments)
    else:
        sys.exit(command_line(arguments))


def command_line(arguments):
    options = ["--signature", arguments.signature]
    for path in arguments.ignore:
        options += ["--ignore-paths", path]
    if arguments.action == "sign":
        options += ["--private_key", arguments.key]
        if arguments.method == "certificate":
            options += ["--signing_certificate", arguments.certificate]
    elif arguments.method == "key":
        options += ["--public_key", arguments.key]
    if arguments.method == "certificate":
        options += ["--certificate_chain", arguments.chain]
    # Isolated, so that the folder it is started in is not searched for modules.
    command = [sys.executable, "-I", "-m", "model_signing", arguments.action, arguments.method]
    return subprocess.run([*command, *options, arguments.model], check=False).returncode


def library(arguments):
    from model_signing import hashing, signing, verifying

    if arguments.action == "verify":
        # Takes what to do from the signature.
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=arguments.key)
        verifier.verify(arguments.model, arguments.signature)
        return
    config = hashing.Config()
    if arguments.shard_size:
        config.use_shard_serialization(
            hashing_algorithm=arguments.hash, shard_size=arguments.shard_size
        )
    else:
        config.use_file_serialization(hashing_algorithm=arguments.hash)
    config.set_ignored_paths(paths=arguments.ignore)
    signer = signing.Config().use_elliptic_key_signer(private_key=arguments.key)
    signer.set_hashing_config(config).sign(arguments.model, arguments.signature)


if __name__ == "__main__":
    main()
