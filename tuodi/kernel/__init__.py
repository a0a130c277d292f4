"""Kernel: fen, periods, the clock, working days, identifiers, places, masks, pinyin keys, the error base.

Pure Python without Django, a database or network. Nothing here knows a programme, an office or a case.
Each module is a door of its own; import what you need from it.
"""
