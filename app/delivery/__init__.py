"""Vehicles, parcels, runs and stops: from the shelf to the hand-over with proof.

Parcel: a household's share from one warehouse.  Run: a vehicle, a driver, a day, and stops in order.
Proof: how we know that it was handed over.  What was not handed over is brought back.
"""
