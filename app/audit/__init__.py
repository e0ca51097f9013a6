"""Reading the journal and the jobs: who did what, when, and what work is under way.

Deed: a line of the journal, named ``subject.verb``.  Job: promised work; its row says how far it is.
"""
