"""Servers with TLS: a key for localhost, and a certificate that it has signed itself."""

import ssl
import subprocess
from pathlib import Path


def self_signed(folder: Path) -> Path:
    """Makes a key for localhost; beside it, as .crt, is its certificate."""
    file = folder / "localhost.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    command = ["openssl", "req", "-x509", *key, *files, *names]
    subprocess.run(command, check=True, capture_output=True)
    return file


def serving(key: Path) -> ssl.SSLContext:
    """The context of a server with such a key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key.with_suffix(".crt"), key)
    return context
