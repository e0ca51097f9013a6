"""The signalling network: partner organisations, their agreements and service areas.

Agreement: dated; it gates what a partner may do.  Service area: the counties and settlements it reports from.
"""
