"""Secrets at rest: SM4-GCM fields and files, SM3 look-up indexes, the keyring and its rotation.

Standards: SM3 GB/T 32905, SM4 GB/T 32907. Keys, loss and rotation are described in docs/howto/keys.md.
"""
