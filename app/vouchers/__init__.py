"""The register of vouchers (bizonylat): every numbered paper of every warehouse, and that no number is missing.

A voucher is numbered by the deed that it papers, in that deed's transaction. Here it is found, shown, cancelled, told.
"""
