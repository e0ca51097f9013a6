"""Commands that set up, run, test and look after Adománybank; each answers --help."""
