"""SNS's signature on what it sends to functions: a real one, with this session's own key.

With the other files called ``moto_*``, one of the few places that touch moto's internals: moto serves the certificate
at the address that a message names. AWS's scheme, as of 2026-11: "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends


@cache
def _key_and_certificate() -> tuple[Any, bytes, str]:
    """Make a key and its certificate, once for this process: that takes a tenth of a second."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509 import CertificateBuilder, Name, NameAttribute, random_serial_number
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = Name([NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    certificate = (
        CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM), uuid.uuid4().hex


def signed(
    topic_arn: str, *, message: str, message_id: str, subject: str | None, when: str, version: str
) -> tuple[str, str]:
    """Return the signature of a notification in base64, and the address of the certificate.

    Parameters
    ----------
    topic_arn, message, message_id, subject, when : what is signed
    version : ``"1"`` (SHA-1) or ``"2"`` (SHA-256), as the topic's attribute SignatureVersion says
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    key, certificate, number = _key_and_certificate()
    parts = {"Message": message, "MessageId": message_id, "Subject": subject, "Timestamp": when, "TopicArn": topic_arn}
    text = "".join(f"{name}\n{value}\n" for name, value in parts.items() if value is not None) + "Type\nNotification\n"
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = key.sign(text.encode(), padding.PKCS1v15(), digest)
    region, file = topic_arn.split(":")[3], f"SimpleNotificationService-{number}.pem"
    sns_backends[DEFAULT_ACCOUNT_ID][region]._message_public_keys[file] = certificate
    return base64.b64encode(signature).decode(), f"https://sns.{region}.amazonaws.com/{file}"
