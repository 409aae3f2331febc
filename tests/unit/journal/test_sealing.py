import hashlib
from dataclasses import replace

import pytest

from midwatch.journal.sealing import (
    BlobBrokenError,
    CommitBrokenError,
    SealBrokenError,
    blob_address,
    revealed,
    seal,
    seal_blob,
    unseal,
    unseal_blob,
)
from unit.journal.made_journal import KEY, SUBJECT, made_journal

SALT = b"S" * 16
NONCE = b"N" * 12
ENTRY = made_journal(1).rows[0].entry


def test_the_commitment_is_the_hash_of_salt_and_payload() -> None:
    commit, sealed = seal(b"{}", salt=SALT, nonce=NONCE, key=KEY, stream="run/r-1", n=1, subject=SUBJECT)
    assert commit == hashlib.sha256(SALT + b"{}").hexdigest()
    assert sealed[:12] == NONCE
    assert len(sealed) == 12 + 16 + 2 + 16


def test_the_sealed_bytes_are_final() -> None:
    _, sealed = seal(b"{}", salt=SALT, nonce=NONCE, key=KEY, stream="run/r-1", n=1, subject=SUBJECT)
    assert (
        hashlib.sha256(sealed).hexdigest()
        == "1d62c9926fe44e006d2e6038440032d54ac4b3de5d12edcd8a886e507f29e6c4"
    )


def test_a_sealed_payload_opens_where_it_was_sealed() -> None:
    assert unseal(ENTRY, KEY).startswith(b'{"actor":"person:ada","data":{')


@pytest.mark.parametrize(
    "moved",
    [
        replace(ENTRY, n=2),
        replace(ENTRY, stream=made_journal(1).rows[3].entry.stream),
        replace(ENTRY, subject="tenant/other"),
        replace(ENTRY, sealed=ENTRY.sealed[:-1]),
        replace(ENTRY, sealed=b""),
        replace(ENTRY, sealed=b"\x00" + ENTRY.sealed[1:]),
    ],
)
def test_a_sealed_payload_opens_nowhere_else(moved: object) -> None:
    with pytest.raises(SealBrokenError) as caught:
        unseal(moved, KEY)  # type: ignore[arg-type]
    assert caught.value.code == "MW205"


def test_a_sealed_payload_does_not_open_under_another_key() -> None:
    with pytest.raises(SealBrokenError):
        unseal(ENTRY, b"x" * 32)


def test_a_payload_sealed_again_by_who_holds_the_key_breaks_its_commitment() -> None:
    _, sealed = seal(
        b'{"actor":"x","data":{}}',
        salt=SALT,
        nonce=NONCE,
        key=KEY,
        stream=ENTRY.stream,
        n=ENTRY.n,
        subject=SUBJECT,
    )
    with pytest.raises(CommitBrokenError) as caught:
        unseal(replace(ENTRY, sealed=sealed), KEY)
    assert caught.value.code == "MW206"


def test_what_is_revealed_hashes_to_the_commitment() -> None:
    commit, sealed = seal(b"{}", salt=SALT, nonce=NONCE, key=KEY, stream=ENTRY.stream, n=1, subject=SUBJECT)
    assert revealed(replace(ENTRY, sealed=sealed), KEY, commit) == SALT + b"{}"


def test_a_blob_has_one_address_per_key_and_opens() -> None:
    address, sealed = seal_blob(b"the card", nonce=NONCE, key=KEY)
    assert address == blob_address(KEY, b"the card") != blob_address(b"x" * 32, b"the card")
    assert address.startswith("blob:")
    assert len(address) == 5 + 64
    assert unseal_blob(address, sealed, key=KEY) == b"the card"


def test_a_blob_opens_under_no_other_address_or_key() -> None:
    address, sealed = seal_blob(b"the card", nonce=NONCE, key=KEY)
    for other, key in ((blob_address(KEY, b"another"), KEY), (address, b"x" * 32)):
        with pytest.raises(BlobBrokenError) as caught:
            unseal_blob(other, sealed, key=key)
        assert caught.value.code == "MW207"


def test_a_blob_sealed_under_an_address_that_is_not_its_own_is_refused() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    address = blob_address(KEY, b"the card")
    sealed = NONCE + AESGCM(KEY).encrypt(NONCE, b"another card", address.encode())
    with pytest.raises(BlobBrokenError, match="other content"):
        unseal_blob(address, sealed, key=KEY)
