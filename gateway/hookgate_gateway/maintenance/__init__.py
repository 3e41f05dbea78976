"""
What an operator does to a store from the command line: back it up, check it, upgrade it, rotate its keys.

Each of it works beside a running gateway or says in one line why it cannot.
"""
