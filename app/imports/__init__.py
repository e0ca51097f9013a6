"""Imports of an opening stock and of a catalogue from a spreadsheet: mapped, previewed, all or nothing, taken back."""
