"""Which stock for which need: shares and missing shares, each with its reason in words.

Share: a quantity of a lot for a need.  Pin: a share that the next run must keep.  Release: back on the shelf.
"""
