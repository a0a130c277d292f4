"""What is printed of a case and a roll: rows made into the plain data that `tuodi.documents` sets in type.

Nothing here decides, writes or asks who may see: the caller has opened the door and logs what was printed.
"""
