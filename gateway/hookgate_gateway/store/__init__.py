"""Where everything is kept: the engines behind the ports. Nothing is imported here: the writer starts light."""
