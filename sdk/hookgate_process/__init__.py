"""
What the gateway and the operator have in common as processes: settings from the environment, logs,
clocks, sockets, signals. It knows neither of them, and the SDK does not know it.
"""
