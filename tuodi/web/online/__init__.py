"""Applications that came from phones, at the officer's desk."""
