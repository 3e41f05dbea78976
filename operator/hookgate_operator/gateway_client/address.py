"""
The gateway's address, as a setting writes it.
"""

from ipaddress import ip_address

from yarl import URL

__all__ = ["parse_gateway_url"]


def parse_gateway_url(text: str) -> URL:
    """The base URL without a slash at its end. Raises ValueError with a sentence that says what is wrong.

    The token and Secrets' values go there: plain HTTP never leaves this machine.
    """
    try:
        url = URL(text.strip())
        port = url.port
    except ValueError:
        raise ValueError("is not a URL; write https://HOST:PORT") from None
    if url.scheme not in ("http", "https") or not url.host or not port:
        raise ValueError("must be a URL like https://HOST:PORT")
    if url.user is not None or url.password is not None:
        raise ValueError("must not have user info; the token comes from its file")
    if url.query_string or url.fragment:
        raise ValueError("must have neither a query nor a fragment")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise ValueError("must be https: plain http is for loopback addresses only")
    return url.with_path(url.raw_path.rstrip("/"), encoded=True)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
