"""Bytes cut into lines, however they come and wherever it stops."""

from hypothesis import given
from hypothesis import strategies as st

from url_fetcher.many_urls.lines import Line, LineCutter

LIMIT = 8
TEXTS = st.lists(
    st.sampled_from([b"\n", b"a", b"\r\n", b"bc", b"d" * LIMIT, b"e" * (LIMIT + 1), b"f" * 30]), max_size=40
).map(b"".join)


def expected(data: bytes) -> list[Line]:
    """What lines there are, found at once."""
    lines, start = [], 0
    for text in data.split(b"\n"):
        lines.append(Line(start, text[:LIMIT], len(text) > LIMIT))
        start += len(text) + 1
    return lines if lines[-1].data else lines[:-1]


def cut(data: bytes, sizes: list[int], stops: list[int]) -> list[Line]:
    """The lines of the data in pieces of these sizes; after so many lines, another cutter goes on."""
    found: list[Line] = []
    offset, in_line = 0, False
    sizes, stops = list(sizes), list(stops)
    while True:
        cutter = LineCutter(offset, in_line=in_line, max_bytes=LIMIT)
        left = stops.pop() if stops else -1
        while left and (piece := data[cutter.position :][: sizes.pop() if sizes else 7]):
            for line in cutter.feed(piece):
                found.append(line)
                left -= 1
                if not left:
                    break
        if left:
            return [*found, *cutter.finish()]
        offset, in_line = cutter.offset, cutter.in_line


@given(TEXTS, st.lists(st.integers(1, 40), max_size=20), st.lists(st.integers(1, 5), max_size=10))
def test_each_line_comes_once(data: bytes, sizes: list[int], stops: list[int]) -> None:
    """In whatever pieces the bytes come and wherever it stops and goes on, all lines come, in order."""
    assert cut(data, sizes, stops) == expected(data)


@given(TEXTS, st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_stopping_between_pieces_loses_nothing(data: bytes, sizes: list[int]) -> None:
    """A cutter that is left after each piece of more than a line goes on from where it was."""
    found: list[Line] = []
    offset, in_line, number = 0, False, 0
    while True:
        cutter = LineCutter(offset, in_line=in_line, max_bytes=LIMIT)
        piece = data[offset:][: LIMIT + 1 + sizes[number % len(sizes)]]
        found += cutter.feed(piece)
        if offset + len(piece) == len(data):
            found += cutter.finish()
            break
        assert cutter.offset > offset
        offset, in_line, number = cutter.offset, cutter.in_line, number + 1

    assert found == expected(data)


def test_a_line_without_an_end_takes_no_memory() -> None:
    """Of a line that is too long the start is given out at once, and the rest is not kept."""
    cutter = LineCutter(max_bytes=LIMIT)
    lines = [line for _ in range(1_000) for line in cutter.feed(b"x" * 1_000)]

    assert (lines, cutter.offset, cutter.position) == ([Line(0, b"x" * LIMIT, True)], 1_000_000, 1_000_000)
