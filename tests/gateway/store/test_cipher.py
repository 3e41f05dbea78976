"""Secrets at rest: rotation, the wrong key, a keys file that is none."""

import stat

import pytest
from cryptography.fernet import Fernet

from hookgate_gateway.ports import StoreRefused
from hookgate_gateway.store.cipher import open_cipher

SECRETS = {"billing": {"secret": b"\x00\xffbytes"}, "configmap/ca": {}}


def test_a_key_is_made_beside_the_store_for_its_owner_alone(tmp_path):
    token = open_cipher(None, tmp_path / "h.db").encrypt(SECRETS)
    (file,) = tmp_path.iterdir()
    assert file.name == "h.db.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert open_cipher(None, tmp_path / "h.db").decrypt(token) == SECRETS


def test_a_new_key_on_top_encrypts_and_the_old_one_still_opens(tmp_path):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    file = tmp_path / "keys"
    file.write_text(f"{old}\n")
    before = open_cipher(file, tmp_path / "h.db").encrypt(SECRETS)
    file.write_text(f"{new}\n{old}\n")
    rotated = open_cipher(file, tmp_path / "h.db")
    assert rotated.decrypt(before) == SECRETS
    file.write_text(f"{new}\n")
    assert open_cipher(file, tmp_path / "h.db").decrypt(rotated.encrypt(SECRETS)) == SECRETS


def test_the_wrong_key_is_told_with_file_and_remedy(tmp_path):
    token = open_cipher(None, tmp_path / "a.db").encrypt(SECRETS)
    with pytest.raises(StoreRefused, match=r"b\.db\.key.*HOOKGATE_ENCRYPTION_KEYS_FILE"):
        open_cipher(None, tmp_path / "b.db").decrypt(token)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"too short", b"\xff\xfe"])
def test_a_file_without_keys_is_refused_by_name(tmp_path, content):
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(StoreRefused, match=r"encryption keys file .*keys"):
        open_cipher(file, tmp_path / "h.db")


def test_so_is_one_that_is_not_there(tmp_path):
    with pytest.raises(StoreRefused, match="No such file"):
        open_cipher(tmp_path / "missing", tmp_path / "h.db")
