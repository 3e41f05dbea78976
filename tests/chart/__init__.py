"""The Helm chart as it is rendered: policies over many sets of values, its schema, and both Helms.

`rendering` runs Helm, `releases` gives what it rendered with what belongs together (pods, labels,
references), `combinations` names the sets of values. A policy is a function of a release that says
what is wrong with it (`policies`); each has a break that it must notice (`test_policies_notice`).
What an API server thinks of the objects is in `test_api_server`; running them in `tests/install`.
"""
