"""Where things are: country, counties, districts, settlements, postal codes, points and distances.

Gazetteer: the list of settlements built from public sources.  Register: the official list that is loaded over it.
"""
