"""Tables of small changes that tests must notice, one module each; see ``tools/mutations.py``.

A row is (file, text that it holds exactly once, text in its place, the nearest tests).
"""
