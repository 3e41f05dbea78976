"""
Whether a text can be a webhook URL at all. Where it leads is the guard's business, at each attempt.
"""

from urllib.parse import urlsplit

__all__ = ["MAX_URL_LENGTH", "webhook_url"]

MAX_URL_LENGTH = 2083


def webhook_url(value: str) -> str:
    """The URL without surrounding white space. Raises ValueError with a sentence that says what is wrong.

    The sentence never repeats the URL: it may hold credentials.
    """
    url = value.strip()
    if not url:
        raise ValueError("the webhook URL is empty")
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"the webhook URL is longer than {MAX_URL_LENGTH} characters")
    if not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("the webhook URL contains white space, a backslash or control characters")
    _check_parts(url)
    return url


def _check_parts(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("the webhook URL is malformed: check its host and port") from None
    if not parts.scheme or "://" not in url:
        raise ValueError("the webhook URL has no scheme: write https://…")
    if parts.scheme.lower() not in ("http", "https"):
        raise ValueError("the webhook URL's scheme must be http or https")
    if "@" in parts.netloc:
        raise ValueError("the webhook URL contains user info: put credentials into a header")
    if not host:
        raise ValueError("the webhook URL has no host")
