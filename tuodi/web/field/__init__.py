"""Pages for the phone: my visits, one visit's form, and what keeps it working without a signal."""
