"""
Making attempts: sign, send, and tell what came of it.

The only part that speaks to receivers. It guards where connections go (:mod:`.guard`), makes them
(:mod:`.dialing`) and keeps them apart by lane (:mod:`.pools`), writes requests (:mod:`.request`) and reads
answers (:mod:`.wire`, :mod:`.answers`), knows a closed connection from an attempt that failed
(:mod:`.resend`), and turns whatever happens into an attempt (:mod:`.report`, :mod:`.attempt`). The rest of
the gateway knows it as a :class:`hookgate_gateway.ports.Sender`.
"""
