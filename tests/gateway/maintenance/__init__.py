"""What an operator does to a store from the command line."""
