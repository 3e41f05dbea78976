"""
hookgate's control plane: WebhookSubscription and WebhookReplay resources, reconciled into the gateway.

Level-triggered: watches only say where to look; a worker then looks at the whole of an object, a pure
plan says what should be so, and the plan is carried out through the two ports, cluster and gateway.
"""
