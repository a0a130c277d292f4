"""How a standard comes into force: draft, opinions, approval, publication; adopted values win over files."""
