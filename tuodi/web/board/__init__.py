"""The public board of a village, read without signing in, and the officers' pages on notices and objections."""
