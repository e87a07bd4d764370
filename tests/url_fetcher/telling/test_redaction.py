"""What is hidden: in text, in whatever way it is escaped, and in URLs by the names of their parameters."""

import base64
import itertools
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from url_fetcher.telling.redaction import Redactor, public_url

Way = Callable[[str], str]
SECRET = "hünter2/ &=+%41\"\\s€cret😀'"


def redactor() -> Redactor:
    """One that knows the secret."""
    made = Redactor()
    made.learn(SECRET)
    return made


def lower_percent(text: str) -> str:
    """Every character percent-encoded, the digits in lower case."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


def upper_units(text: str) -> str:
    r"""Every character as \uXXXX with digits in upper case."""
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02X}{units[at + 1]:02X}" for at in range(0, len(units), 2))


def mixed(text: str) -> str:
    """Each character escaped in another way."""
    ways: itertools.cycle[Way] = itertools.cycle(
        [str, lower_percent, upper_units, lambda each: quote(each, safe="")]
    )
    return "".join(
        way(each) if each.isalnum() else lower_percent(each) for way, each in zip(ways, text, strict=False)
    )


FORMS = {
    "plain": SECRET,
    "as a host": "".join(each.lower() if each.isascii() else each for each in SECRET),
    "percent": quote(SECRET, safe=""),
    "percent in lower case": lower_percent(SECRET),
    "form": quote_plus(SECRET),
    "percent, path safe": quote(SECRET),
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON in UTF-8": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "JSON, slash escaped": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "JSON in upper case": upper_units(SECRET),
    "mixed": mixed(SECRET),
    "repr": repr(SECRET)[1:-1],
    "ascii": ascii(SECRET)[1:-1],
    "bytes": repr(SECRET.encode())[2:-1],
    "URL in JSON in a URL": quote(json.dumps(quote(SECRET))[1:-1], safe=""),
    "JSON in JSON": json.dumps(json.dumps(SECRET)[1:-1])[1:-1],
    "UTF-8 read as Latin-1": SECRET.encode().decode("latin-1"),
    "that, percent-encoded": quote(SECRET.encode().decode("latin-1")),
    "requoted": quote(SECRET, safe="%/&=+'"),
    "base64": base64.b64encode(SECRET.encode()).decode().rstrip("="),
    "base64 for URLs": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    "base64 in a query": quote(base64.b64encode(SECRET.encode()).decode().rstrip("="), safe=""),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_secret_is_hidden_in_every_form(form: str) -> None:
    """However a source escapes what it echoes, the value is gone and what stands round it is not."""
    assert redactor().clean(f"before<{form}>after") == "before<REDACTED>after"


def test_a_secret_of_any_characters_is_hidden_under_any_mix_of_escapes() -> None:
    """Two hundred secrets, each character of each escaped in a way of its own."""
    chosen = random.Random(7)
    alphabet = string.printable[:95] + "äöß€漢😀\u0080\u200b"
    ways: list[Way] = [
        str,
        lower_percent,
        upper_units,
        lambda each: f"%{ord(each):02X}" if each.isascii() else each,
    ]
    left = []
    for _ in range(200):
        secret = "".join(chosen.choices(alphabet, k=chosen.randint(8, 30)))
        made = Redactor()
        made.learn(secret)
        # A bare % or \ could make an escape with what follows: no encoder leaves those as they are.
        echoed = "".join(chosen.choice(ways[each in "%\\+" :])(each) for each in secret)
        if made.clean(f"<{echoed}>") != "<REDACTED>":
            left.append((secret, echoed))

    assert left == []


def test_ordinary_text_stays() -> None:
    """What is no secret is as it was, escapes and all."""
    text = r'https://example.com/a%20b?page=2&q=%C3%BC "\u00fc\\" 100 % + \x \u12'

    assert redactor().clean(text) == text


def test_a_short_value_is_not_hidden() -> None:
    """Three characters would blot out ordinary words."""
    made = Redactor()
    made.learn("abc", "")

    assert made.clean("abcdef") == "abcdef"


def test_a_url_in_a_text_is_cleaned_by_its_names() -> None:
    """A secret that nobody told the redactor of is known by its parameter, a password by its place."""
    text = "Failed (url=https://me:pw@a.example:443/x?page=1&apikey=hunter2&b=2): [no colon]"

    assert (
        redactor().clean(text)
        == "Failed (url=https://a.example:443/x?page=1&apikey=REDACTED&b=2): [no colon]"
    )


@pytest.mark.parametrize(
    "name",
    [
        "api_key", "apikey", "api-key", "x-api-key", "key", "KEY", "access_key", "AWSAccessKeyId",
        "private_key", "subscription-key", "subscription%2dkey", "client_key", "consumer_key", "shared-key",
        "appid", "token", "access_token", "page_access_token", "next_access_token", "authToken",
        "refresh_token", "secret", "client_secret", "password", "passwd", "pwd", "sig", "signature",
        "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "session_id",
        "authorization", "code", "jwt",
    ],
)  # fmt: skip
def test_a_secret_parameter_is_hidden(name: str) -> None:
    """The value of a parameter whose name says secret is not in sourceUrl."""
    assert public_url(f"https://a.example/?{name}=hunter2&x=1") == f"https://a.example/?{name}=REDACTED&x=1"


@pytest.mark.parametrize(
    "name",
    ["page", "page_token", "pageToken", "next_token", "continuationToken", "sync_token", "cursor",
     "$skiptoken", "%24deltatoken",
     "sort_key", "start_key", "partition_key", "keyword", "monkey", "design", "passenger", "zipcode"],
)  # fmt: skip
def test_an_ordinary_parameter_is_shown(name: str) -> None:
    """A page's token and other keys are part of where a record is from."""
    assert public_url(f"https://a.example/?{name}=abc") == f"https://a.example/?{name}=abc"
