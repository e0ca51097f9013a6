"""The floor: the page with which goods are scanned, also without a network, and what a phone needs to know for it."""
