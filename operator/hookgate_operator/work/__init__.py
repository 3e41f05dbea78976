"""
The work: which keys are to be looked at, by whom, and what makes them wake.
"""
