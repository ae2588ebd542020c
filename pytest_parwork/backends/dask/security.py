"""The certificate by which the processes of a local dask cluster authenticate one another."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from ...machine.clock import today
from ...model.errors import BackendError

#: How long before and after the start of the cluster the certificate is valid.
BEFORE = timedelta(days=1)
AFTER = timedelta(days=365)


def own_security(folder: str) -> Any:
    """Return a `Security` with a certificate that only this cluster has; raises `BackendError`.

    Every user of the machine can reach the ports of the cluster, and whoever can connect can run
    code. The key is in `folder`, which must be private. `Security.temporary` is not used, because
    it writes the key to a new directory each time that it is needed, and trusts a frozen clock.
    """
    from distributed import Security

    try:
        key, certificate = _made()
    except ImportError as error:
        raise BackendError(
            f"a local dask cluster needs the package cryptography ({error}), or other users of "
            f"this machine could run code in its workers; install it with: "
            f"pip install 'pytest-parwork[dask]'"
        ) from error
    paths = []
    for name, content in (("key.pem", key), ("certificate.pem", certificate)):
        paths.append(str(Path(folder) / name))
        fd = os.open(paths[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "wb") as file:
            file.write(content)
    files: dict[str, str] = {"tls_ca_file": paths[1]}
    for role in ("client", "scheduler", "worker"):
        files |= {f"tls_{role}_key": paths[0], f"tls_{role}_cert": paths[1]}
    return Security(require_encryption=True, **files)


def _made() -> tuple[bytes, bytes]:
    """Return a key and its self-signed certificate; a curve, because RSA takes 0.1 s."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "parwork")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today() - BEFORE)
        .not_valid_after(today() + AFTER)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate.public_bytes(serialization.Encoding.PEM),
    )
