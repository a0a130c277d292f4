"""The ciphers underneath give the values printed in the national standards."""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB, GCM
from cryptography.hazmat.primitives.hashes import SM3, Hash

KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")


def sm3(data: bytes) -> str:
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize().hex()


def test_sm3_of_gb_t_32905():
    assert sm3(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3(b"abcd" * 16) == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_sm4_of_gb_t_32907():
    block = Cipher(SM4(KEY), ECB()).encryptor()
    assert block.update(KEY).hex() == "681edf34d206965e86b3e94f536e4246"


def test_sm4_gcm_of_rfc_8998():
    nonce = bytes.fromhex("00001234567800000000abcd")
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = bytes.fromhex("aa" * 8 + "bb" * 8 + "cc" * 8 + "dd" * 8 + "ee" * 8 + "ff" * 8 + "ee" * 8 + "aa" * 8)
    sealer = Cipher(SM4(KEY), GCM(nonce)).encryptor()
    sealer.authenticate_additional_data(aad)
    body = sealer.update(plain) + sealer.finalize()
    assert body.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    )
    assert sealer.tag.hex() == "83de3541e4c2b58177e065a9bf7b62ec"
