"""What the stock is, was and will be: by item, place and county, at a date, and the way of every lot.

Everything here is read; what is written are the levels (by the stock) and the files of exports.
"""
