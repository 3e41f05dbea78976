"""
The rules that the operator runs under: files that are documented, tested, installed and printed as they are.
"""
