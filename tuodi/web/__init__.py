"""Pages by reader: parse the request, call one action or query of a room, render. No rule lives here."""
