"""Conversions: parcels made up from parts and taken apart again, and repacking; what goes in weighs what comes out."""
