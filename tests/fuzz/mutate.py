"""mutate: bad inputs made of good ones."""

WORDS = (
    b": ",
    b"- ",
    b"\n",
    b"\n  ",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"'",
    b"&a ",
    b"*a",
    b"!!int ",
    b"<<",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b".nan",
    b".inf",
    b"99999999999999999999",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"%",
    b"@",
    b"://",
    b"?",
    b"#",
    b"\t",
    b"\r\n",
    b"---\n",
    b"...\n",
    b"[" * 64,
    b"{a: " * 40,
    b"a" * 300,
    b"\xf0\x9f\x98\x80",
    b"\xe2\x80\xae",
    b"2020-01-01",
    b"0x1f",
    b"0o7",
    b"1_000",
    b"12:30:45",
    b"~",
    b"|",
    b">",
    b"?\n",
    b"!x",
    b"\\",
    b"$(id)",
    b"../..",
)


def mutated(seeds, luck):
    """One input: a seed with some things done to it."""
    data = bytearray(luck.choice(seeds))
    for _ in range(luck.randint(1, 6)):
        luck.choice(_WAYS)(data, luck, seeds)
    return bytes(data[: 1 << 17])


def _flip(data, luck, _):
    if data:
        data[luck.randrange(len(data))] ^= 1 << luck.randrange(8)


def _insert(data, luck, _):
    place = luck.randint(0, len(data))
    data[place:place] = luck.choice(WORDS)


def _cut(data, luck, _):
    first = luck.randint(0, len(data))
    del data[first : first + luck.choice((1, 2, 5, 20, 100))]


def _end(data, luck, _):
    del data[luck.randint(0, len(data)) :]


def _repeat(data, luck, _):
    first = luck.randint(0, len(data))
    part = bytes(data[first : first + luck.randint(1, 60)])
    data[first:first] = part * luck.choice((1, 2, 20))


def _splice(data, luck, seeds):
    other = luck.choice(seeds)
    first = luck.randint(0, len(other))
    data[luck.randint(0, len(data)) :] = other[first:]


def _replace(data, luck, _):
    """Another value behind a key, or another byte somewhere."""
    places = [place for place in range(len(data) - 2) if data[place : place + 2] == b": "]
    if places:
        first = luck.choice(places) + 2
        ends = [data.find(end, first) for end in (b"\n", b",", b"}")]
        last = min([end for end in ends if end >= 0] or [len(data)])
        data[first:last] = luck.choice(WORDS)
    elif data:
        data[luck.randrange(len(data))] = luck.randrange(256)


_WAYS = (_flip, _insert, _insert, _cut, _end, _repeat, _splice, _replace, _replace)
