"""Where a version comes from, as far as this machine can tell: a module a concern.

Nothing here decides what is registered. Whatever cannot be told is left out, with a sentence that says so: every
reading gives what goes into the manifest and notes for people.
"""
