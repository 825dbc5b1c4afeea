"""Certificates of servers that tests start, each by an authority that exists in that test alone."""

from pathlib import Path

import trustme


def issued(*names: str) -> dict[str, str]:
    """Return PEM texts by the keys of a TLS Secret: a certificate for these names or addresses, and its authority's."""
    authority = trustme.CA()
    leaf = authority.issue_cert(*names, common_name=names[0])
    texts = {
        "tls.crt": b"".join(blob.bytes() for blob in leaf.cert_chain_pems),
        "tls.key": leaf.private_key_pem.bytes(),
        "ca.crt": authority.cert_pem.bytes(),
    }
    return {key: value.decode() for key, value in texts.items()}


def written(folder: Path, *names: str) -> dict[str, Path]:
    """The same, as files called like the keys."""
    files = {}
    for key, text in issued(*names).items():
        files[key] = folder / key
        files[key].write_text(text)
    return files
