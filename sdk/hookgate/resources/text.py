"""
Texts with rules of their own: URLs, header names and values, Kubernetes names.

Where a value is not in the resource but in a Secret that it names, or in a request, the same tables
judge it: :func:`url_problem` and :func:`header_value_problem`.
"""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, Strict

from hookgate.resources.rules import Rule, Rules, cel_text, matching

__all__ = [
    "MAX_URL_LENGTH",
    "HeaderName",
    "HeaderValue",
    "HostName",
    "ResourceName",
    "RunId",
    "SecretKey",
    "SecretName",
    "Text",
    "Url",
    "header_value_problem",
    "trimmed_url",
    "url_problem",
]

MAX_URL_LENGTH = 2083
"""Characters; the longest URL that Skyvern's own models accept."""

_BLANKS = r"[\x00-\x20\x7f-\xa0\\]"
_USER_INFO = r"^[^:]*://[^/?#]*@"
_PORT = "6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{0,4}"
_PLACE = r"[^:]*://([^/?#:@\[\]]+|\[[0-9A-Fa-f:.]+\])(:(" + _PORT + r"))?([/?#][\s\S]*)?"

_blank = re.compile(_BLANKS)
_user_info = re.compile(_USER_INFO)
_scheme = re.compile("https?://", re.IGNORECASE)
_place = re.compile(_PLACE)

URL_RULES: Rules[str] = Rules(
    Rule(
        f"self.trim().size() <= {MAX_URL_LENGTH}",
        f"must not be longer than {MAX_URL_LENGTH} characters",
        lambda url: len(url) <= MAX_URL_LENGTH,
    ),
    Rule(
        "self.matches('^(?i)https?://')",
        "must start with http:// or https://",
        lambda url: _scheme.match(url) is not None,
    ),
    Rule(
        f"!self.trim().matches({cel_text(_BLANKS)})",
        "must not contain white space, control characters or backslashes",
        lambda url: _blank.search(url) is None,
    ),
    Rule(
        f"!self.matches({cel_text(_USER_INFO)})",
        "must not contain user info (user:password@); send a header instead",
        lambda url: _user_info.match(url) is None,
    ),
    Rule(
        f"self.trim().matches({cel_text(f'^(?:{_PLACE})$')})",
        "must name a host, and a port up to 65535 if any",
        lambda url: _place.fullmatch(url) is not None,
    ),
)

_RESERVED_HEADERS = (
    "host",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
_RESERVED_PREFIXES = ("content-", "webhook-", "x-skyvern-", "x-hookgate-")
_RESERVED_CEL = " && ".join(
    [
        f"!(self.lowerAscii() in [{', '.join(map(cel_text, _RESERVED_HEADERS))}])",
        *(f"!self.lowerAscii().startsWith({cel_text(p)})" for p in _RESERVED_PREFIXES),
    ]
)


def _free(name: str) -> bool:
    lowered = name.lower()
    return lowered not in _RESERVED_HEADERS and not lowered.startswith(_RESERVED_PREFIXES)


HEADER_NAME_RULES: Rules[str] = Rules(
    Rule(
        _RESERVED_CEL,
        "is reserved: the gateway and HTTP itself set Host, Content-*, hop-by-hop headers,"
        " webhook-*, x-skyvern-* and x-hookgate-*",
        _free,
    ),
    matching(
        r"[a-z0-9!#$%&'*+.^_`|~-]{1,128}",
        "must be a header name in lower case, of at most 128 characters",
    ),
)

_CONTROLS = r"[\x00-\x08\x0a-\x1f\x7f]"
_controls = re.compile(_CONTROLS)

HEADER_VALUE_RULES: Rules[str] = Rules(
    Rule(
        f"!self.matches({cel_text(_CONTROLS)})",
        "must not contain line breaks or other control characters",
        lambda value: _controls.search(value) is None,
    ),
)

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = f"{_LABEL}(\\.{_LABEL})*"
"""As Kubernetes checks names: 253 characters in all, however long the parts between the dots are."""
_SPACES = (
    " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What CEL's ``trim`` takes away. Python's ``strip`` takes the four separators of ASCII as well."""


def trimmed_url(url: str) -> str:
    """``url`` without the white space behind it, the commonest slip of copied URLs."""
    return url.rstrip(_SPACES)


def url_problem(url: str) -> str | None:
    """Why nothing can be posted to ``url`` (trimmed), whoever gave it; None when all is well."""
    return URL_RULES.broken(url)


def header_value_problem(value: str) -> str | None:
    """Why ``value`` cannot be sent in a header; None when it can."""
    return HEADER_VALUE_RULES.broken(value)


def _trim(value: object) -> object:
    return trimmed_url(value) if isinstance(value, str) else value


Text = Annotated[str, Strict()]
"""Text that was text: YAML's ``on`` and ``1`` are not."""
Url = Annotated[Text, Field(max_length=2 * MAX_URL_LENGTH), URL_RULES, BeforeValidator(_trim)]
HeaderName = Annotated[Text, Field(max_length=256), HEADER_NAME_RULES]
HeaderValue = Annotated[Text, Field(min_length=1, max_length=4096), HEADER_VALUE_RULES]
SecretName = Annotated[
    Text,
    Field(max_length=253),
    Rules(matching(_SUBDOMAIN, "must be the name of a Kubernetes object (lower case, digits, - and .)")),
]  # fmt: skip
SecretKey = Annotated[
    Text,
    Field(max_length=253),
    Rules(matching("[-._a-zA-Z0-9]+", "must be a key of a Secret (letters, digits, -, _ and .)")),
]
ResourceName = SecretName
NamespaceName = Annotated[
    Text,
    Field(max_length=63),
    Rules(matching(_LABEL, "must be the name of a namespace (lower case, digits and -)")),
]
HostName = Annotated[
    Text,
    Field(max_length=253),
    Rules(matching(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "must be a host name")),
]
RunId = Annotated[
    Text,
    Field(min_length=1, max_length=512),
    Rules(
        matching(
            r"[^\x00-\x1f\x7f]*",
            "must not contain line breaks or other control characters",
        )
    ),
]
