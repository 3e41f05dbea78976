"""
Custom resource definitions and their reference pages, made from the resource models and from nothing else.
"""
