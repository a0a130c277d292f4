"""The week of work: what the counters, the officers and the families of 荆门 do between August and 11 September 2017.

Each scene goes through the ordinary actions, as the officer or resident whose business it is, on the day it is set.
"""
