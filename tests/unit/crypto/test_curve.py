"""The curve's arithmetic against another implementation, and at its edges."""

from __future__ import annotations

from gmalg import SM2
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.crypto import curve, sm2

_private = st.integers(1, curve.ORDER - 2).map(lambda n: n.to_bytes(32, "big"))


@settings(max_examples=25, deadline=None)
@given(_private, st.binary(max_size=80), st.binary(min_size=1, max_size=20))
def test_another_implementation_accepts_what_is_signed_here_and_the_reverse(
    private: bytes, message: bytes, uid: bytes
) -> None:
    pair = sm2.KeyPair.of(private)
    theirs = SM2(private, uid, pair.public)
    assert bytes(theirs.generate_pk(private)) == pair.public
    ours = sm2.sign_raw(message, pair, uid=uid)
    assert theirs.verify(message, ours[:32], ours[32:])
    r, s = (bytes(part).rjust(32, b"\0") for part in theirs.sign(message))
    assert sm2.verify_raw(message, r + s, pair.public, uid=uid)
    assert not sm2.verify_raw(message + b".", r + s, pair.public, uid=uid)
    assert not sm2.verify_raw(message, r + s[:-1] + bytes([s[-1] ^ 1]), pair.public, uid=uid)


def test_multiples_at_the_edges() -> None:
    assert curve.multiple(0) is None
    assert curve.multiple(1) == curve.BASE
    assert curve.multiple(curve.ORDER) is None
    last = curve.multiple(curve.ORDER - 1)
    assert last == (curve.BASE[0], curve.P - curve.BASE[1])
    assert curve.multiple(curve.ORDER + 5) == curve.multiple(5)


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1), st.integers(1, 2**256 - 1))
@settings(max_examples=50, deadline=None)
def test_a_sum_of_two_multiples_is_the_multiple_of_the_sum(s: int, t: int, k: int) -> None:
    point = curve.multiple(k)
    if point is not None:
        assert curve.on_curve(point)
        assert curve.combine(s, t, point) == curve.multiple((s + t * k) % curve.ORDER)


def test_sums_that_double_or_vanish() -> None:
    assert curve.combine(1, 1, curve.BASE) == curve.multiple(2)
    assert curve.combine(curve.ORDER - 7, 7, curve.BASE) is None
    assert curve.combine(0, 0, curve.BASE) is None


def test_a_name_too_long_for_its_length_field_proves_nothing() -> None:
    pair = sm2.KeyPair.of((7).to_bytes(32, "big"))
    assert not sm2.verify_raw(b"x", sm2.sign_raw(b"x", pair), pair.public, uid=b"n" * 8192)
