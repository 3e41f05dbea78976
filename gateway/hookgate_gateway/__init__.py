"""The data plane of hookgate: accept, store, sign, dispatch, retry, replay."""
