"""A certificate authority of the test's own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass(frozen=True)
class Authority:
    """Signs certificates for hosts; `bundle` is what a client must trust."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def bundle(self) -> Path:
        return self.folder / "ca.pem"

    @classmethod
    def made_in(cls, folder: Path) -> Self:
        folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = signed(named("Test authority"), key, issuer=named("Test authority"), by=key)
        made = cls(folder, certificate, key)
        made.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return made

    def certificate_for(self, host: str) -> tuple[Path, Path]:
        """The files of the certificate and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = signed(
            named(host), key, issuer=self.certificate.subject, by=self.key, host=host
        )
        files = self.folder / f"{host}.pem", self.folder / f"{host}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files


def signed(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Name,
    by: ec.EllipticCurvePrivateKey,
    host: str | None = None,
) -> x509.Certificate:
    """Valid for a day; an authority's own if it is for no host."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False
        )
    )
    if host is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(by, hashes.SHA256())
