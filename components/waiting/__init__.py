"""What the program itself asks the API server: whether what was declared has come about, and what keeps it from that.

A provider's await cannot end early on a failure, does not tell the reason, and once failed is forgotten by a refresh.
"""
