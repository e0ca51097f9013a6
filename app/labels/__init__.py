"""Labels: what is printed on places, boxes, lots, pallets and parcels. No label names a person."""
