"""Opens the file key of frozen sealed recordings without any of our code and checks what the header says about it.

X-Wing (draft-connolly-cfrg-xwing-kem) from ML-KEM-768 by `kyber-py`, X25519 by `cryptography`, SHA3-256 and SHAKE256 by
hashlib; HPKE base mode written out from RFC 9180. Then section 2.2 of the format: derived keys, commitment, header code,
and the first frame (XChaCha20-Poly1305 = HChaCha20 written out here + ChaCha20-Poly1305 by `cryptography`).

    pip install kyber-py cryptography && python3 tests/tools/xwing_check.py tests/vectors/seal/good
"""

import hashlib
import hmac
import pathlib
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from kyber_py.ml_kem import ML_KEM_768

SEED = bytes(range(32))  # the day seed of the vectors
XWING_LABEL = bytes([0x5C, 0x2E, 0x2F, 0x2F, 0x5E, 0x5C])  # \.//^\


def extract(salt, ikm):
    return hmac.new(salt or bytes(32), ikm, hashlib.sha256).digest()


def expand(prk, info, n):
    out, block, i = b"", b"", 1
    while len(out) < n:
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        out, i = out + block, i + 1
    return out[:n]


def raw_public(key):
    return key.public_key().public_bytes_raw()


def xwing_keys(seed):
    wide = hashlib.shake_256(seed).digest(96)
    ek, dk = ML_KEM_768._keygen_internal(wide[:32], wide[32:64])
    x = X25519PrivateKey.from_private_bytes(wide[64:])
    return dk, x, ek + raw_public(x)


def xwing_decaps(seed, enc):
    dk, x, public = xwing_keys(seed)
    ss_m = ML_KEM_768.decaps(dk, enc[:1088])
    ss_x = x.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    return hashlib.sha3_256(ss_m + ss_x + enc[1088:] + public[1184:] + XWING_LABEL).digest()


def x25519_decaps(seed, enc):
    """RFC 9180, 4.1 with HKDF-SHA256."""
    x = X25519PrivateKey.from_private_bytes(seed)
    dh = x.exchange(X25519PublicKey.from_public_bytes(enc))
    suite = b"KEM" + struct.pack(">H", 0x0020)
    prk = extract(b"", b"HPKE-v1" + suite + b"eae_prk" + dh)
    context = enc + raw_public(x)
    return expand(prk, struct.pack(">H", 32) + b"HPKE-v1" + suite + b"shared_secret" + context, 32)


def hpke_open(kem, shared, info, aad, ct):
    suite = b"HPKE" + struct.pack(">HHH", kem, 1, 3)

    def labeled_extract(salt, label, ikm):
        return extract(salt, b"HPKE-v1" + suite + label + ikm)

    context = b"\0" + labeled_extract(b"", b"psk_id_hash", b"") + labeled_extract(b"", b"info_hash", info)
    secret = labeled_extract(shared, b"secret", b"")

    def labeled_expand(label, n):
        return expand(secret, struct.pack(">H", n) + b"HPKE-v1" + suite + label + context, n)

    return ChaCha20Poly1305(labeled_expand(b"key", 32)).decrypt(labeled_expand(b"base_nonce", 12), ct, aad)


def hchacha20(key, nonce16):
    s = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key) + struct.unpack("<4I", nonce16))

    def quarter(a, b, c, d):
        for x, y, z, r in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            s[z] ^= s[x]
            s[z] = (s[z] << r | s[z] >> (32 - r)) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *s[:4], *s[12:])


def check(path):
    data = path.read_bytes()
    (header_len,) = struct.unpack_from("<H", data, 8)
    kind, _, length = struct.unpack_from("<BBH", data, 192)
    key_id, rest = data[196:204], data[204 : 196 + length]
    enc_len = {1: 32, 2: 1120}[kind]
    enc, ct = rest[:enc_len], rest[enc_len:]
    public = xwing_keys(SEED)[2] if kind == 2 else raw_public(X25519PrivateKey.from_private_bytes(SEED))
    assert hashlib.sha256(public).digest()[:8] == key_id, "key id"
    kem, shared = (0x647A, xwing_decaps(SEED, enc)) if kind == 2 else (0x0020, x25519_decaps(SEED, enc))
    dek = hpke_open(kem, shared, b"amethyst/seal/recipient/v1" + data[32:48], data[:176], ct)
    okm = expand(dek, b"amethyst/seal/payload/v1\0" + data[:144], 88)
    assert okm[56:] == data[144:176], "commitment"
    mac_key = expand(dek, b"amethyst/seal/header-mac/v1", 32)
    mac = data[header_len - 32 : header_len]
    assert hmac.new(mac_key, data[: header_len - 32], hashlib.sha256).digest() == mac, "header code"

    at, seq = header_len, 0
    while data[at : at + 4] == b"AMXF":
        (ct_len,) = struct.unpack_from("<I", data, at + 8)
        tail = int.from_bytes(okm[48:56], "big") ^ seq
        cipher = ChaCha20Poly1305(hchacha20(okm[:32], okm[32:48]))
        nonce = bytes(4) + tail.to_bytes(8, "big")
        frame = data[at + 32 : at + 32 + ct_len]
        cipher.decrypt(nonce, frame, mac + data[at : at + 28])
        at, seq = at + 32 + ct_len, seq + 1
    return seq


def main():
    failures = 0
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.amx")):
        if path.name == "damaged-inside.amx":
            continue
        try:
            print(f"{path.name}: header and {check(path)} frames open")
        except Exception as error:  # every way to fail is a failure of the format
            failures += 1
            print(f"{path.name}: FAILED {error!r}")
    sys.exit(1 if failures else 0)


main()
