"""
Making attempts: sign, send, and tell what came of it.

The only part that speaks to receivers. It guards where connections go (:mod:`.guard`), makes them
(:mod:`.dialing`) and keeps them apart by lane (:mod:`.pools`), writes requests (:mod:`.request`) and reads
answers (:mod:`.wire`, :mod:`.answers`), and turns whatever happens into an attempt (:mod:`.attempt`). The
rest of the gateway knows it as a :class:`hookgate_gateway.ports.Sender`.
"""
