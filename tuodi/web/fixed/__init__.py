"""Fixed amounts other departments determine: their lists, and who is paid by them."""
