"""
Making attempts: sign, send, and tell what came of it.

The only part that speaks to receivers. It guards where connections go (:mod:`.guard`), keeps them apart
by lane (:mod:`.connections`), and turns whatever happens into an attempt (:mod:`.attempt`); the rest of
the gateway knows it as a :class:`hookgate_gateway.ports.Sender`.
"""
