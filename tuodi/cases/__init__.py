"""Cases: one case, its steps, deadlines, notices and work queues; the procedure engine.

Knows nothing of applications, facts or amounts: those are rooms above, which ask this one whether a step is open and
may be done, and tell it that it was done.
"""
