"""What can be given: categories, items, their packs and barcodes.

Item: a kind of thing, counted in whole base units.  Pack: n base units under one GTIN.
Substitute: what may be given instead.
"""
