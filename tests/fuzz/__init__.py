"""
Hostile input for everything that parses: only documented errors, in bounded time and memory.

Property tests stand beside the parts they hold; those here are for what spans parts, for grammars that
random bytes never get into, and for a whole running gateway. ``make fuzz`` tries far more examples of
all of them (the hypothesis profile ``fuzz``).

| what parses | beside the part | here |
| --- | --- | --- |
| a report's bytes and its routing facts | gateway/intake/test_parse, gateway/rules/test_report | test_payloads |
| bodies of POST-run, replay and test requests | | test_requests |
| bodies of a control PUT | gateway/api/control/test_requests | test_requests |
| signatures and their headers | sdk/test_signing, gateway/intake/test_ingest | test_signatures |
| a receiver's answer | gateway/egress/test_answers | test_answers |
| Retry-After | gateway/rules/test_retry | test_answers |
| hosts, addresses, URLs, egress rules | gateway/rules/test_address* | test_destinations |
| our own request's head | gateway/egress/test_head | test_destinations |
| cursors, limits, times and words in a query | | test_queries |
| workflow patterns, matching | gateway/rules/test_pattern, gateway/catalogue/test_matching | |
| manifests, YAML and JSON | | test_manifests |
| settings | | test_settings |
| the frames between gateway and writer | gateway/store/sqlite/test_frames | test_frames |
| HTTP itself | gateway/api/test_connections | test_broken_http |
"""
