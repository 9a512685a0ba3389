"""Generic parts are one level up; each story is a folder here."""
