"""Numbers, dates and ids on their way into PostgreSQL's own types, one value at a time.

Thousands of random values go through the C conversions (by way of conversion_tool), into the server by
COPY BINARY, and come back as the server prints them. What they should be is said by Python's decimal,
fractions and datetime, and for Julian days by SQLite: none of them shares a line with the code under
test. And the server's own bytes of each value have to be those that were sent, as verify compares them.

The seed of a run is printed when a test fails; ROWFERRY_SEED repeats it.
"""

import datetime
import decimal
import os
import random
import re
import sqlite3
import struct
import subprocess
import uuid
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from program import ROOT

TOOL = Path(os.environ.get("ROWFERRY_CONVERSION_TOOL",
                           ROOT / "build" / "asan" / "tests" / "unit" / "replay" / "conversion_tool"))
SEED = int(os.environ.get("ROWFERRY_SEED", "20240501"))
COUNT = 4000

EPOCH = datetime.datetime(2000, 1, 1)
DAY = 86400 * 10**6
# What the server's documentation gives as the range of timestamp.
FIRST, END = -211813488000000000, 9223371331200000000

decimal.getcontext().prec = 200000


@pytest.fixture
def rng(request):
    print(f"ROWFERRY_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


def answers_to(requests):
    assert TOOL.exists(), f"{TOOL} is missing: build it (tools/test e2e does)"
    lines = "".join("\t".join(map(str, request)) + "\n" for request in requests)
    done = subprocess.run([str(TOOL)], input=lines.encode(), capture_output=True, timeout=300)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()
    answers = done.stdout.decode().splitlines()
    assert len(answers) == len(requests)
    return answers


def convert(requests):
    """The answers to a list of requests, each a tuple of words: a field's bytes, or None where refused."""
    answers = answers_to(requests)
    for request, answer in zip(requests, answers):
        assert answer not in ("refused: looking and putting disagree", "refused: a wrong length",
                              "refused: not understood"), f"{request}: {answer}"
    return [None if answer.startswith("refused: ") else bytes.fromhex(answer) for answer in answers]


SEND = {"numeric": "numeric_send", "date": "date_send", "time": "time_send", "timestamp": "timestamp_send",
        "timestamptz": "timestamptz_send", "uuid": "uuid_send", "jsonb": "jsonb_send", "json": "json_send",
        "text": "textsend", "varchar": "varcharsend", "character": "bpcharsend", "real": "float4send",
        "smallint": "int2send", "integer": "int4send", "boolean": "boolsend", "bigint[]": "array_send",
        "bytea": "byteasend", "mood": "enum_send"}


def through_server(target, scratch, kind, fields, *more):
    """Sends fields (None is left out) into a table by COPY BINARY. Returns, by position, the value as text
    and the further expressions over v; the bytes that the server itself would send must be the same."""
    file = scratch / "fields.bin"
    with file.open("wb") as out:
        out.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for number, field in enumerate(fields):
            if field is not None:
                out.write(struct.pack(">hiqi", 2, 8, number, len(field)) + field)
        out.write(b"\xff\xff")
    target.script(f"DROP TABLE IF EXISTS conversions; CREATE TABLE conversions (n bigint, v {kind});\n"
                  f"\\copy conversions FROM '{file}' WITH (FORMAT binary)")
    send = SEND[kind.partition("(")[0]]
    target.script("ALTER DATABASE " + target.name + " SET timezone = 'UTC'")
    rows = target.rows(", ".join([f"SELECT n, encode({send}(v), 'hex'), v::text", *more])
                       + " FROM conversions ORDER BY n")
    sent = {number: field for number, field in enumerate(fields) if field is not None}
    assert len(rows) == len(sent)
    result = {}
    for number, stored, *values in rows:
        assert stored == sent[int(number)].hex(), f"value {number} {values}: the server keeps other bytes"
        result[int(number)] = values
    return result


def plain(number):
    """A Decimal without exponent and without zeros at the end, as the server prints it."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def check(results, expected, requests):
    """Every value that should have arrived did, as it should, and no other."""
    assert len(expected) == len(requests)
    for number, value in enumerate(expected):
        came = results[number][0] if number in results else None
        assert came == value, f"{requests[number]}: {came} in the server, should be {value}"


# Decimal numbers

def random_integer(rng):
    number = rng.randrange(10 ** rng.randint(1, 19)) if rng.random() < 0.8 else 10 ** rng.randint(0, 18)
    number = rng.choice([number, -number, number - 1, number + 1])
    return max(-2**63, min(2**63 - 1, number))


def random_real(rng):
    kind = rng.randrange(6)
    if kind == 0:  # any bits at all
        real = struct.unpack("<d", rng.randbytes(8))[0]
    elif kind == 1:  # a price
        real = rng.randrange(10 ** rng.randint(1, 9)) / 100
    elif kind == 2:  # a decimal of up to 17 digits
        real = float(f"{rng.randrange(10 ** rng.randint(1, 17))}e{rng.randint(-30, 30)}")
    elif kind == 3:  # a computed one
        real = rng.uniform(-1e6, 1e6)
    elif kind == 4:  # a large whole one
        real = float(rng.randrange(2**53, 2**70))
    else:  # next to a power of two
        real = 2.0 ** rng.randint(-1074, 1023) * rng.choice([1, 1 - 2**-53, 1 + 2**-52])
    return rng.choice([real, -real])


def is_minus_zero(real):
    return real == 0 and struct.pack(">d", real)[0] == 0x80


def test_integers_as_numeric(target, scratch, rng):
    numbers = [0, 1, -1, 2**63 - 1, -2**63, 9999, 10000, -10000, 10**18] + \
              [random_integer(rng) for _ in range(COUNT)]
    requests = [("numeric-integer", number) for number in numbers]
    results = through_server(target, scratch, "numeric", convert(requests))
    check(results, [str(number) for number in numbers], requests)


def test_reals_as_numeric(target, scratch, rng):
    """The shortest decimal, and a cast back to double precision gives the same bits."""
    reals = [0.0, -0.0, 0.1, 1e300, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan"),
             0.1 + 0.2, 1e15, 1e22, 1e23, 2.2250738585072014e-308, 9007199254740993.0]
    reals += [2.0 ** exponent for exponent in range(-1074, 1024)]
    reals += [random_real(rng) for _ in range(COUNT)]
    requests = [("numeric-real", real.hex()) for real in reals]
    results = through_server(target, scratch, "numeric", convert(requests),
                             "encode(float8send(v::float8), 'hex')")
    finite = [real == real and abs(real) != float("inf") and not is_minus_zero(real) for real in reals]
    check(results, [plain(Decimal(repr(real))) if fits else None for real, fits in zip(reals, finite)], requests)
    for number, (_, back) in results.items():
        assert back == struct.pack(">d", reals[number]).hex(), repr(reals[number])


def random_decimal_text(rng):
    whole = str(rng.randrange(10 ** rng.choice([1, 3, 9, 40]))) if rng.random() < 0.8 else "0"
    text = rng.choice(["", "-"]) + whole
    if rng.random() < 0.7:
        digits = rng.choice([1, 2, 4, 5, 9, 40])
        text += "." + "".join(rng.choice("0001234567890") for _ in range(digits))
    if rng.random() < 0.3:
        text += rng.choice("eE") + rng.choice(["", "+", "-"]) + str(rng.randrange(rng.choice([5, 50, 500])))
    return text


def mangled(rng, text):
    """A text that is slightly another."""
    place = rng.randrange(len(text) + 1)
    return rng.choice([text[:place] + rng.choice("0123456789+-.:TZeE /,\v") + text[place:],
                       text[:place] + text[place + 1:],
                       text[:place] + rng.choice("0123456789+-.:TZeE ") + text[place + 1:]])


def decimal_text_value(text):
    """What the server should print: the digits that are shown are kept. None for what is no JSON number, is -0,
    or has more digits than a numeric."""
    match = re.fullmatch(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?", text)
    if not match or abs(int(match[4] or 0)) >= 10**8:
        return None
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    digits = whole + fraction
    point = len(whole) + max(-200000, min(200000, exponent))
    digits = ("0" * -point + digits).ljust(point, "0")
    point = max(point, 0)
    whole, fraction = digits[:point].lstrip("0"), digits[point:]
    if (sign and not digits.strip("0")) or len(whole) > 131072 or len(fraction) > 16383:
        return None
    return sign + (whole or "0") + ("." + fraction if fraction else "")


def test_texts_as_numeric(target, scratch, rng):
    texts = ["12.50", "0.00", "1e3", "1.50e1", "-0", "007", "+1", ".5", "5.", "", " 1", "1e500", "1e-500", "0e5",
             "0.000e2"]
    for _ in range(COUNT):
        text = random_decimal_text(rng)
        texts.append(mangled(rng, text) if rng.random() < 0.3 else text)
    requests = [("numeric-text", text) for text in texts]
    results = through_server(target, scratch, "numeric", convert(requests))
    check(results, [decimal_text_value(text) for text in texts], requests)


def test_numeric_has_the_servers_limits(target, scratch):
    """What is taken the server takes; one digit more is refused, by us and by the server."""
    taken = ["7" * 131072 + "." + "7" * 16383, "1e131071", "1e-16383"]
    refused = ["7" * 131073, "0." + "7" * 16384, "1e131072", "1e-16384"]
    fields = convert([("numeric-text", text) for text in taken + refused])
    assert fields[len(taken):] == [None] * len(refused)
    results = through_server(target, scratch, "numeric", fields)
    assert [results[i][0] for i in range(len(taken))] == [format(Decimal(text), "f") for text in taken]


@pytest.mark.parametrize("precision,scale", [(10, 2), (5, 5), (1, 0), (38, 10), (20, 6), (1000, 400), (4, 3)])
def test_bounds_take_what_fits_exactly(target, scratch, rng, precision, scale):
    requests, expected = [], []

    def ask(kind, word, value):
        requests.append((kind, word, precision, scale))
        fits = value is not None and abs(value) < 10 ** (precision - scale) and \
            value * 10 ** scale == int(value * 10 ** scale)
        expected.append(f"{value:.{scale}f}" if fits else None)

    for _ in range(COUNT // 8):
        number = rng.randrange(10 ** rng.randint(1, min(precision + 1, 18)))
        ask("numeric-integer", number, Decimal(number))
        real = number / 10 ** rng.randint(0, min(scale + 1, 20)) * rng.choice([1, -1])
        ask("numeric-real", real.hex(), None if is_minus_zero(real) else Decimal(repr(real)))
        real = random_real(rng)
        finite = real == real and abs(real) != float("inf") and not is_minus_zero(real)
        ask("numeric-real", real.hex(), Decimal(repr(real)) if finite else None)
        text = random_decimal_text(rng)
        value = decimal_text_value(text)
        ask("numeric-text", text, value and Decimal(value))
    results = through_server(target, scratch, f"numeric({precision},{scale})", convert(requests))
    check(results, expected, requests)


def test_short_decimals(rng):
    """There when Python's shortest repr, written out, has at most 15 digits, and then the same."""
    reals = [random_real(rng) for _ in range(COUNT)] + \
            [rng.randrange(10**15) / 10 ** rng.randint(0, 22) for _ in range(COUNT)]
    requests = "".join(f"short\t{real.hex()}\n" for real in reals)
    answers = subprocess.run([str(TOOL)], input=requests, capture_output=True, text=True, check=True).stdout
    for real, answer in zip(reals, answers.splitlines(), strict=True):
        expected = "refused: none"
        if real == real and abs(real) < 1e15 and not is_minus_zero(real):
            shortest = Decimal(repr(real)).normalize()
            scale = max(0, -shortest.as_tuple().exponent)
            digits = int(shortest.scaleb(scale))
            if scale <= 22 and abs(digits) < 10**15:
                expected = f"{digits} {scale}"
        assert answer == expected, repr(real)


# Dates and times

# Microseconds since 2000, by the server's calendar.
MICROS = "(v::date - date '2000-01-01') * 86400000000 + (extract(epoch FROM v::time) * 1000000)::bigint"


def random_moment(rng):
    """A datetime with microseconds, of any year that has four digits, mostly of ours."""
    if rng.random() < 0.5:
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=rng.randrange(2**32))
    else:
        moment = datetime.datetime.min + datetime.timedelta(
            seconds=rng.randrange(int((datetime.datetime.max - datetime.datetime.min).total_seconds())))
    if rng.random() < 0.1:
        moment = moment.replace(month=rng.choice([2, 3, 12, 1]), day=rng.choice([1, 28]))
    return moment.replace(microsecond=rng.choice([0, 0, 500000, 1, 999999, rng.randrange(10**6),
                                                  rng.randrange(1000) * 1000]))


def micros(moment):
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)


FRACTIONS = ["", ".1", ".3", ".6", ".7", ".9", "[6]", "[3]", "[*]"]
ZONES = ["Z", "+00:00", "+0000", "+00", "+02:00", "-0930", "+05", "-11", "+15:59", "-15:59"]


def written(moment, separator, seconds, fraction, zone):
    """The moment in one way of writing, or None where that way would lose something of it. Written anew here:
    this is the inverse of what the conversions do."""
    text = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}{separator}" \
           f"{moment.hour:02d}:{moment.minute:02d}"
    digits = f"{moment.microsecond:06d}000"
    if not seconds:
        return text + zone if moment.second == 0 and moment.microsecond == 0 else None
    text += f":{moment.second:02d}"
    if fraction == "[*]":
        text += ("." + digits.rstrip("0")) if moment.microsecond else ""
    else:
        count = int(fraction.strip(".[]") or 0)
        if digits[count:].strip("0"):
            return None
        if fraction and (fraction[0] == "." or moment.microsecond):
            text += "." + digits[:count]
    return text + zone


def offset_of(zone):
    match = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", zone)
    if not match:
        return datetime.timedelta()
    offset = datetime.timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return -offset if match[1] == "-" else offset


def printed(count):
    """Microseconds since 2000 as the server prints a timestamp; only for the years of datetime."""
    moment = EPOCH + datetime.timedelta(microseconds=count)
    text = f"{moment.year:04d}" + moment.strftime("-%m-%d %H:%M:%S")
    return text + (f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else "")


def random_text(rng, moment, zones):
    while True:
        text = written(moment, rng.choice("T "), rng.random() < 0.8, rng.choice(FRACTIONS), "")
        if text:
            return text, rng.choice(zones)


def test_local_times(target, scratch, rng):
    moments = [random_moment(rng) for _ in range(COUNT)]
    requests = [("iso", "text", random_text(rng, moment, [""])[0]) for moment in moments]
    results = through_server(target, scratch, "timestamp", convert(requests))
    check(results, [printed(micros(moment)) for moment in moments], requests)


def test_zoned_times(target, scratch, rng):
    """Beyond the years of datetime an offset leads too, so the server is asked for the microseconds."""
    moments = [random_moment(rng) for _ in range(COUNT)]
    pairs = [random_text(rng, moment, ZONES) for moment in moments]
    requests = [("iso-zone", "text", text + zone) for text, zone in pairs]
    results = through_server(target, scratch, "timestamptz", convert(requests), MICROS)
    assert len(results) == len(moments)
    for number, (_, came) in results.items():
        offset = offset_of(pairs[number][1]) // datetime.timedelta(microseconds=1)
        assert int(came) == micros(moments[number]) - offset, requests[number]


def test_the_server_reads_the_texts_alike(target, scratch, rng):
    """Its own input functions, given the same texts, say the same."""
    moments = [random_moment(rng) for _ in range(COUNT)]
    texts = ["".join(random_text(rng, moment, ZONES)) for moment in moments]
    results = through_server(target, scratch, "timestamptz",
                             convert([("iso-zone", "text", text) for text in texts]))
    file = scratch / "texts"
    file.write_text("".join(f"{number}\t{text}\n" for number, text in enumerate(texts)))
    target.script(f"CREATE TABLE texts (n bigint, t text);\n\\copy texts FROM '{file}'")
    assert len(results) == len(texts)
    assert target.rows("SELECT t, v FROM texts JOIN conversions USING (n) WHERE v <> t::timestamptz") == []


def test_dates_and_times_of_day(target, scratch, rng):
    moments = [random_moment(rng) for _ in range(COUNT)]
    requests = [("iso-date", "text", f"{moment.year:04d}" + moment.strftime("-%m-%d")) for moment in moments]
    results = through_server(target, scratch, "date", convert(requests))
    check(results, [text for _, _, text in requests], requests)
    requests = [("iso-time", "text", random_text(rng, moment.replace(year=2000, month=1, day=1), [""])[0][11:])
                for moment in moments]
    results = through_server(target, scratch, "time", convert(requests))
    check(results, [printed(micros(moment))[11:] for moment in moments], requests)


FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?", re.ASCII)


def text_value(text):
    """The text's microseconds since 2000 by a pattern and Python's calendar, or None."""
    match = FORM.fullmatch(text)
    if not match:
        return None
    *numbers, second, fraction = match.groups()
    fraction = (fraction or "").ljust(9, "0")
    try:
        moment = datetime.datetime(*map(int, numbers), int(second or 0), int(fraction[:6]))
    except ValueError:
        return None
    return micros(moment) if fraction[6:] == "000" else None


def test_texts_that_are_nearly_times(target, scratch, rng):
    """Nothing but what the pattern allows gets through, and no day that Python's calendar does not have."""
    texts = []
    for _ in range(2 * COUNT):
        text = random_text(rng, random_moment(rng), [""])[0]
        for _ in range(rng.randint(1, 3)):
            text = mangled(rng, text) if text else text
        texts.append(text)
    for _ in range(COUNT):
        texts.append(f"{rng.randrange(3000):04d}-{rng.randrange(14):02d}-{rng.randrange(33):02d} "
                     f"{rng.randrange(26):02d}:{rng.randrange(62):02d}:{rng.randrange(62):02d}")
    requests = [("iso", "text", text) for text in texts]
    results = through_server(target, scratch, "timestamp", convert(requests))
    expected = [text_value(text) for text in texts]
    check(results, [None if value is None else printed(value) for value in expected], requests)
    assert sum(value is not None for value in expected) > COUNT // 10


# (encoding, units a second, seconds from 2000 back to its origin)
COUNTS = [("unix-s", 1, 946684800), ("unix-ms", 10**3, 946684800), ("unix-us", 10**6, 946684800),
          ("unix-ns", 10**9, 946684800), ("mac-2001", 1, -31622400), ("webkit-1601", 10**6, 12591158400)]


def whole_micros(number, units, origin):
    """The exact microseconds since 2000 of an exact number, or None where they are not whole or out of range."""
    exact = Fraction(number, units) * 10**6 - origin * 10**6
    return int(exact) if exact.denominator == 1 and FIRST <= exact < END else None


def check_epochs(target, scratch, requests, expected):
    results = through_server(target, scratch, "timestamptz", convert(requests), MICROS)
    for number, value in enumerate(expected):
        came = int(results[number][1]) if number in results else None
        assert came == value, f"{requests[number]}: {came}, should be {value}"
        if came is not None and abs(came) < 60 * 10**15:
            assert results[number][0] == printed(came) + "+00"


@pytest.mark.parametrize("encoding,units,origin", COUNTS)
def test_integers_as_instants(target, scratch, rng, encoding, units, origin):
    edges = [(FIRST + origin * 10**6) * units // 10**6, (END + origin * 10**6) * units // 10**6]
    numbers = [0, 1, -1, 2**63 - 1, -2**63]
    numbers += [edge + step for edge in edges for step in (-1001, -1000, -999, -1, 0, 1, 999, 1000, 1001)]
    for _ in range(COUNT):
        seconds = rng.randrange(-70 * 10**9, 300 * 10**9) + origin
        numbers.append(rng.choice([seconds * units + rng.randrange(units),
                                   seconds * units + rng.randrange(units) // 1000 * 1000,
                                   random_integer(rng)]))
    numbers = [max(-2**63, min(2**63 - 1, number)) for number in numbers]
    requests = [(encoding, "integer", number) for number in numbers]
    check_epochs(target, scratch, requests, [whole_micros(number, units, origin) for number in numbers])


def real_micros(real, units, origin):
    """By exact fractions: whole numbers as integers are; else the only microsecond that the double is nearest to."""
    if real != real or abs(real) > 2**53 or is_minus_zero(real):
        return None
    if real == int(real):
        return whole_micros(int(real), units, origin)
    if units > 1000:
        return None
    near = round(Fraction(real) * 10**6 / units)
    nearest = [count for count in range(near - 2, near + 3) if float(Fraction(count * units, 10**6)) == real]
    return whole_micros(Fraction(nearest[0] * units, 10**6), units, origin) if len(nearest) == 1 else None


@pytest.mark.parametrize("encoding,units,origin", COUNTS)
def test_reals_as_instants(target, scratch, rng, encoding, units, origin):
    reals = [0.0, -0.0, 0.5, -0.5, 1e100, float("inf"), float("nan"), 2.0**53, 2.0**53 + 2, -2.0**53, 5e-324]
    limit = {1: 2**33, 1000: 2**43}.get(units, 2**53)
    for _ in range(COUNT):
        seconds = rng.choice([rng.randrange(2**31), rng.randrange(-2**33, 2**33), rng.randrange(10)])
        count = seconds * 10**6 + rng.randrange(10**6)
        real = float(Fraction(count * units, 10**6))  # nearest to a microsecond
        reals.append(rng.choice([real, real, real * (1 + 2**-52), real + 1e-7 * units, random_real(rng),
                                 float(rng.randrange(-2**53, 2**53))]))
    # From the limit on nothing with a fraction is taken, though a few such reals have one microsecond alone.
    expected = [None if real == real and limit <= abs(real) < 2**53 and real != int(real)
                else real_micros(real, units, origin) for real in reals]
    requests = [(encoding, "real", real.hex()) for real in reals]
    check_epochs(target, scratch, requests, expected)
    taken = sum(value is not None for value in expected)
    assert units > 10**6 or taken > COUNT // 10


def test_julian_days(target, scratch, rng):
    """SQLite computes them; the milliseconds that it was given come back."""
    sqlite = sqlite3.connect(":memory:")
    moments = [random_moment(rng) for _ in range(COUNT)]
    moments = [moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in moments]
    texts = [printed(micros(moment)) for moment in moments]
    days = [sqlite.execute("SELECT julianday(?)", (text,)).fetchone()[0] for text in texts]
    requests = [("julian-day", "real", day.hex()) for day in days]
    check_epochs(target, scratch, requests, [micros(moment) for moment in moments])
    # one step beside them is no millisecond
    beside = [day * (1 + rng.choice([2**-52, -2**-52])) for day in days]
    assert convert([("julian-day", "real", day.hex()) for day in beside]) == [None] * len(beside)
    whole = [rng.randrange(5373485) for _ in range(1000)]
    check_epochs(target, scratch, [("julian-day", "integer", day) for day in whole],
                 [day * DAY - 211813444800 * 10**6 for day in whole])


def as_pattern(moment, separator, seconds, fraction, zone):
    """How a spelling is printed."""
    shown = {"": "", "[*]": "[.f*]"}.get(fraction)
    if shown is None:
        shown = "." + "f" * int(fraction.strip(".[]"))
        shown = f"[{shown}]" if fraction[0] == "[" else shown
    return f"YYYY-MM-DD{separator}HH:MM" + (":SS" + shown if seconds else "") + zone


def test_a_spelling_writes_every_text_out_again(rng):
    """For columns in one way of writing, in two, or in two that differ only in their fractions."""
    ways = [(separator, seconds, fraction, zone) for separator in "T " for seconds in (True, False)
            for fraction in (FRACTIONS if seconds else [""]) for zone in ["", *ZONES]]
    by_pattern = {as_pattern(None, *way): way for way in ways}
    columns = []
    while len(columns) < COUNT:
        way = rng.choice(ways)
        other = rng.choice([way, way, way, rng.choice(ways), (way[0], way[1], rng.choice(FRACTIONS), way[3])])
        other = (*other[:2], other[2] if other[1] else "", other[3])
        column = []
        for _ in range(rng.randint(1, 8)):
            moment = random_moment(rng)
            chosen = rng.choice([way, other])
            if not chosen[1]:
                moment = moment.replace(second=0, microsecond=0)
            if written(moment, *chosen):
                column.append((moment, written(moment, *chosen)))
        if column:
            columns.append(column)
    requests = "".join("\t".join(["spelling", *(text for _, text in column)]) + "\n" for column in columns)
    answers = subprocess.run([str(TOOL)], input=requests, capture_output=True, text=True, check=True).stdout
    proven = 0
    for column, answer in zip(columns, answers.splitlines(), strict=True):
        texts = [text for _, text in column]

        def writes(way):
            return all(written(moment, *way) == text for moment, text in column)
        if answer == "refused: mixed":
            assert not any(map(writes, ways)), texts
        else:
            way = by_pattern.get(answer)
            if way is None:  # a number of digits that is not among FRACTIONS
                fraction = re.search(r"\[?\.(f+)\]?", answer)
                digits = len(fraction[1])
                zone = answer[fraction.end():]
                way = (answer[10], True, f"[{digits}]" if fraction[0][0] == "[" else f".{digits}", zone)
            assert writes(way), f"{texts} as {answer}"
            proven += 1
    assert COUNT // 4 < proven < COUNT


def test_uuids(target, scratch, rng):
    ids = [uuid.UUID(bytes=rng.randbytes(16)) for _ in range(COUNT)]
    requests = [("uuid-text", str(one)) if rng.random() < 0.5 else ("uuid-blob", one.hex) for one in ids]
    results = through_server(target, scratch, "uuid", convert(requests))
    check(results, [str(one) for one in ids], requests)
    others = [rng.choice([str(one).upper(), "{" + str(one) + "}", one.hex, one.urn, mangled(rng, str(one))])
              for one in ids]
    taken = convert([("uuid-text", text) for text in others])
    form = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
    for text, field in zip(others, taken):
        assert (field is not None) == bool(form.fullmatch(text)), text


# By name: what `as CLASS VALUE SPEC` asks for.

def ask(spec, value):
    """The request for a Python value: str is TEXT, bytes is BLOB."""
    if isinstance(value, bool) or value is None:
        raise TypeError(value)
    if isinstance(value, int):
        return ("as", "integer", value, spec)
    if isinstance(value, float):
        return ("as", "real", value.hex(), spec)
    if isinstance(value, str):
        return ("as", "text", value.encode().hex(), spec)
    return ("as", "blob", value.hex(), spec)


def ask_bytes(spec, text):
    """The request for a TEXT of any bytes."""
    return ("as", "text", text.hex(), spec)


TAKES = """
CREATE FUNCTION takes(kind text, value bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SELECT encode(%s((convert_from($1, ''UTF8''))::%s), ''hex'')',
                   CASE kind WHEN 'jsonb' THEN 'jsonb_send' WHEN 'json' THEN 'json_send' END, kind)
        INTO result USING value;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;
"""


def server_reads(target, scratch, kind, texts):
    """What the server makes of texts (bytes) as json or jsonb, as it would send it, or None where it refuses."""
    file = scratch / "texts"
    file.write_text("".join(f"{number}\t{text.hex()}\n" for number, text in enumerate(texts)))
    target.script("DROP TABLE IF EXISTS given; CREATE TABLE given (n bigint, t text);\n"
                  f"\\copy given FROM '{file}'\nDROP FUNCTION IF EXISTS takes;{TAKES}")
    rows = target.rows(f"SELECT takes('{kind}', decode(t, 'hex')) FROM given ORDER BY n")
    return [None if row[0] is None else bytes.fromhex(row[0]) for row in rows]


def random_json_string(rng):
    pieces = []
    for _ in range(rng.choice([0, 1, 1, 2, 3, 8])):
        pieces.append(rng.choice(["a", "b", "ab", "é", "😀", "\x7f", "/", "\\/", "\\n", "\\t", "\\b", "\\f", "\\r",
                                  '\\"', "\\\\", "\\u0041", "\\u00e9", "\\u001f", "\\u0008", "\\u0022",
                                  "\\u005C", "\\uD83D\\uDE00", "\\u2028", "\\uFFFF", " ",
                                  f"\\u{rng.randrange(1, 0xd800):04x}"]))
        if rng.random() < 0.01:
            pieces.append(rng.choice(["\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ud83d", "\\ud800x", "\n", "\\x",
                                      "\\u12", "\x01"]))
    return '"' + "".join(pieces) + '"'


def random_json(rng, depth=0):
    """A JSON text, nearly always a valid one."""
    space = rng.choice(["", "", "", " ", "\n\t", "\r "])
    kind = rng.randrange(10 if depth < 5 else 6)
    if kind < 2:
        text = random_json_string(rng)
    elif kind < 5:
        text = random_decimal_text(rng)
    elif kind == 5:
        text = rng.choice(["true", "false", "null"])
    elif kind < 8:
        text = "[" + ",".join(random_json(rng, depth + 1) for _ in range(rng.choice([0, 1, 2, 3]))) + space + "]"
    else:
        keys = [random_json_string(rng) for _ in range(rng.choice([0, 1, 2, 3, 6]))]
        text = "{" + ",".join(f"{space}{key}{space}:{random_json(rng, depth + 1)}" for key in keys) + space + "}"
    return space + text + space


JSON_EDGES = [
    "", " ", "1", "-1", "-0", "-0.0", "0.00", "-0.00e5", "1e3", "1E+3", "1.50", "1.50e1", "1e-3", "1.0e2", "00", "01",
    "-", "1.", ".5", "+1", "1e", "1e+", "0x10", "NaN", "Infinity", "1 2", "[1,]", "[,1]", "[1 2]", "{,}", '{"a":1,}',
    '{"a"}', '{"a":}', '{1:2}', "{a:1}", "[", "]", "{", "}", "[}", "{]", '"', '"\\', '"\\u', '"a', "tru", "truex",
    "True", "nul",
    "[[[]]]", "{}", "[]", "[ ]", "{ }", '{"b":1,"a":2,"aa":3,"":4}', '{"a":1,"a":2}',
    '{"a":1,"b":{"c":1,"c":2},"a":[]}',
    '{"\\u0061":1,"a":2}', '{"a":1,"\\u0061":2,"a":3}', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\x1f"',
    '"\x7f"', '"\\/"', "\v1", "\ufeff1", "1\x00", "1,2", ":", ",", '"a":1', "//", "/**/1", "'a'", '{"a":1 "b":2}',
    '["a":1]',
    "1e131071", "1e131072", "9" * 400, "1e-16383", "1e-16384", "0e999", "0e-99999", "0e200000", "0e1000000000",
    "-0e-5", "0e1073741823", "1e1073741823", "1e-1073741823", "[" * 1000 + "]" * 1000, "[0," * 999 + "1" + "]" * 999,
    '{"a":' * 999 + "1" + "}" * 999, '[{"a":' * 500 + "1" + "}]" * 500,
    '{"' + "k" * 5000 + '":1}', "[" + ",".join(map(str, range(5000))) + "]",
]


@pytest.mark.parametrize("kind", ["json", "jsonb"])
def test_json_as_the_server_reads_it(target, scratch, rng, kind):
    """The same texts are taken, and a jsonb's field is what the server sends of the text."""
    texts = list(JSON_EDGES)
    for _ in range(COUNT):
        text = random_json(rng)
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            text = mangled(rng, text) if text else text
        texts.append(text)
    encoded = [text.encode() for text in texts]
    fields = convert([ask_bytes(kind, text) for text in encoded])
    assert fields == server_reads(target, scratch, kind, encoded)
    assert COUNT // 3 < sum(field is not None for field in fields) < COUNT
    through_server(target, scratch, kind, fields)


def test_jsonb_of_many_members(target, scratch, rng):
    """Objects of more members than are sorted in one's head, with duplicates in every way of writing."""
    texts = []
    for _ in range(60):
        members = []
        for _ in range(rng.randrange(400)):
            key = "".join(rng.choice("abé") for _ in range(rng.randrange(4)))
            written = "".join(rng.choice([c, f"\\u{ord(c):04x}"]) for c in key)
            members.append(f'"{written}":{rng.choice(["1", "[2,{}]", random_json(rng, 3)])}')
        texts.append(("{" + ",".join(members) + "}").encode())
    fields = convert([ask_bytes("jsonb", text) for text in texts])
    assert fields == server_reads(target, scratch, "jsonb", texts)
    through_server(target, scratch, "jsonb", fields)


def test_json_nests_no_deeper_than_the_server_can(target, scratch):
    deep = [opening * depth + "1" + closing * depth for depth in (1000, 1001, 100000)
            for opening, closing in (("[", "]"), ('{"a":', "}"))]
    for kind in ("json", "jsonb"):
        fields = convert([ask(kind, text) for text in deep])
        assert [field is not None for field in fields] == [True, True, False, False, False, False]
        through_server(target, scratch, kind, fields)


def random_words(rng, most):
    return "".join(rng.choice("abc  é€😀") for _ in range(rng.randrange(most + 1)))


@pytest.mark.parametrize("length", [1, 3, 8])
def test_varchar(target, scratch, rng, length):
    texts = ["", "é" * length, "😀" * (length + 1), " " * (length + 1)] + \
        [random_words(rng, length + 3) for _ in range(500)]
    requests = [ask(f"varchar({length})", text) for text in texts]
    results = through_server(target, scratch, f"varchar({length})", convert(requests))
    check(results, [text if len(text) <= length else None for text in texts], requests)


@pytest.mark.parametrize("length", [1, 3, 8])
@pytest.mark.parametrize("apart", [False, True])
def test_character(target, scratch, rng, length, apart):
    """The field is what the server pads the text to; what it would not give back, it is not given."""
    texts = ["", " ", "é" * length, " " * length, "a".ljust(length)] + \
        [random_words(rng, length + 2) for _ in range(500)]
    spec = f"character({length})" + (", told apart" if apart else "")
    fields = convert([ask(spec, text) for text in texts])
    through_server(target, scratch, f"character({length})", fields)
    for text, field in zip(texts, fields):
        fits = len(text) <= length and not (text.endswith(" ") and (apart or len(text) < length))
        assert field == (text.ljust(length).encode() if fits else None), repr(text)
    if apart:
        taken = {text: field for text, field in zip(texts, fields) if field is not None}
        assert len(set(taken.values())) == len(taken)


@pytest.mark.parametrize("kind,bits", [("smallint", 15), ("integer", 31)])
def test_small_integers(target, scratch, rng, kind, bits):
    numbers = [sign * 2**bits + step for sign in (1, -1) for step in (-1, 0, 1)] + \
        [2**63 - 1, -2**63, 2**bits * 2, 2**64 // 2 - 2**bits] + \
        [rng.randrange(-2**bits - 999, 2**bits + 999) for _ in range(1000)]
    requests = [ask(kind, number) for number in numbers]
    results = through_server(target, scratch, kind, convert(requests))
    check(results, [str(number) if -2**bits <= number < 2**bits else None for number in numbers], requests)


def as_float4(real):
    """The bytes of a number as float4, None where it would be rounded."""
    try:
        field = struct.pack(">f", real)
    except OverflowError:
        return None
    back = struct.unpack(">f", field)[0]
    return field if back == real else None


def test_real(target, scratch, rng):
    reals = [0.0, -0.0, 0.5, 0.1, 1e300, 1e-300, float("inf"), float("-inf"), 3.4028234663852886e38,
             3.4028235677973366e38, 3.402823669209385e38, 2.0**-149, 2.0**-150, 1.5 * 2.0**-149, 16777216.0, 16777217.0]
    reals += [random_real(rng) for _ in range(500)]
    reals += [struct.unpack(">f", rng.randbytes(4))[0] for _ in range(1000)]
    reals = [real for real in reals if real == real]
    fields = convert([ask("real", real) for real in reals])
    assert fields == [as_float4(real) for real in reals]
    through_server(target, scratch, "real", fields)
    whole = [0, 1, -1, 2**24, -2**24, 2**24 + 1, 2**25, 2**63 - 1] + [rng.randrange(-2**25, 2**25) for _ in range(500)]
    fields = convert([ask("real", number) for number in whole])
    assert fields == [as_float4(number) if abs(number) <= 2**24 else None for number in whole]
    through_server(target, scratch, "real", fields)


def test_boolean_from_words(target, scratch, rng):
    words = {"t": True, "true": True, "y": True, "yes": True, "on": True, "1": True,
             "f": False, "false": False, "n": False, "no": False, "off": False, "0": False}
    texts = list(words) + [word.upper() for word in words] + [word.title() for word in words]
    texts += ["", " ", "t ", " t", "tr", "of", "o", "2", "10", "true\x00", "yess", "ja", "ﬀ"]
    fields = convert([ask("boolean from words", text) for text in texts])
    expected = [words.get(text.lower()) for text in texts]
    assert fields == [None if value is None else bytes([value]) for value in expected]
    results = through_server(target, scratch, "boolean", fields)
    taken = [text for text, field in zip(texts, fields) if field is not None]
    server = target.rows("SELECT t::boolean::text FROM unnest(ARRAY[" + ", ".join(f"'{text}'" for text in taken)
                         + "]) WITH ORDINALITY AS w (t, n) ORDER BY n")
    assert [values[0] for _, values in sorted(results.items())] == [row[0] for row in server]
    assert convert([ask("boolean from words", value) for value in (0, 1, 2, -1, 1.0, b"t")]) == \
        [b"\0", b"\1", None, None, None, None]


def test_arrays_of_bigint(target, scratch, rng):
    texts = ["[]", " [ ] ", "[1]", "[-1, 2]", f"[{2**63 - 1},{-2**63}]"] + \
        [str([rng.randrange(-2**63, 2**63) for _ in range(rng.randrange(50))]) for _ in range(500)]
    results = through_server(target, scratch, "bigint[]", convert([ask("bigint[]", text) for text in texts]))
    check(results, ["{" + text.strip("[] ").replace(" ", "") + "}" for text in texts], texts)
    refused = ["", "1", "null", "[null]", "[[1]]", "[[]]", "[1.0]", "[1e2]", "[-0]", '["1"]', "[1,]", "[,]", "[1 2]",
               "[01]", "[1", "1]", "{}", "[true]", f"[{2**63}]", f"[{-2**63 - 1}]", "[9" + "9" * 400 + "]", "[1][2]",
               "{1,2}", "[--1]", "[+1]", "[]x"]
    assert convert([ask("bigint[]", text) for text in refused]) == [None] * len(refused)


def test_enums(target, scratch):
    labels = ["sad", "ok", "it's", "", " ", "ok ", "Ok", "é", '"', "a,b", ";strip", "a" * 63]
    quoted = ",".join("'" + label.replace("'", "''") + "'" for label in labels)
    target.script(f"CREATE TYPE mood AS ENUM ({quoted})")
    spec = f'enum "public"."mood"({quoted})'
    texts = labels + ["sa", "sadd", "SAD", "happy", "it''s", "s\x00"]
    requests = [ask(spec, text) for text in texts]
    results = through_server(target, scratch, "mood", convert(requests))
    check(results, [text if text in labels else None for text in texts], requests)
    assert convert([ask(spec, value) for value in (1, 1.0, b"sad")]) == [None] * 3
    assert convert([ask('enum "public"."none"()', "")]) == [None]


# Python's decoder follows the same recommendation of Unicode.
MENDED = {"strip": lambda text: text.decode(errors="ignore").replace("\0", ""),
          "replace": lambda text: text.decode(errors="replace").replace("\0", "\ufffd")}


def escaped(text):
    try:
        bad = "\0" in text.decode() or re.search(rb"\\x(00|[89a-f][0-9a-f])", text)
    except UnicodeDecodeError:
        bad = True
    if not bad:
        return text.decode()
    text = text.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    return text.replace("\0", "\\x00")


def random_bytes(rng):
    pieces = [b"a", b"\0", b" ", "é".encode(), "€".encode(), "😀".encode(), "€".encode()[:2], "😀".encode()[:3],
              b"\xed\xa0\x80", b"\xff", b"\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe0\x80", b"\\", b"\\x00",
              b"\\xff", b"\\x41", b"\\xF", rng.randbytes(2)]
    return b"".join(rng.choice(pieces) for _ in range(rng.randrange(6)))


@pytest.mark.parametrize("mend", ["strip", "replace", "escape"])
def test_bad_text_is_mended(target, scratch, rng, mend):
    texts = [b"", b"plain"] + [random_bytes(rng) for _ in range(COUNT)]
    expected = [(escaped if mend == "escape" else MENDED[mend])(text) for text in texts]
    for kind, fits in (("text", lambda text: True), ("varchar(4)", lambda text: len(text) <= 4)):
        fields = convert([ask_bytes(f"{kind}; {mend}", text) for text in texts])
        for text, field, value in zip(texts, fields, expected):
            assert field == (value.encode() if fits(value) else None), text
        through_server(target, scratch, kind, fields)
    if mend == "escape":
        fields = dict(zip(texts, expected))
        assert len(set(fields.values())) == len(fields)


def test_numbers_and_texts_in_one_column(target, scratch, rng):
    """As SQLite casts them, for reals of 15 digits and less."""
    sqlite = sqlite3.connect(":memory:")
    values = [random_integer(rng) for _ in range(300)] + [rng.randrange(10**9) / 100 for _ in range(300)] + \
        ["", "a", "1", "1.0", "é"]
    cast = [sqlite.execute("SELECT CAST(? AS TEXT)", (value,)).fetchone()[0] for value in values]
    requests = [ask("text from any", value) for value in values]
    check(through_server(target, scratch, "text", convert(requests)), cast, requests)
    values.append(b"\0\xff")
    cast = [sqlite.execute("SELECT CAST(? AS BLOB)", (value,)).fetchone()[0] for value in values]
    fields = convert([ask("bytea from any", value) for value in values])
    assert fields == cast
    through_server(target, scratch, "bytea", fields)


@pytest.mark.parametrize("digits", [0, 2, 3, 6])
def test_times_of_few_digits(target, scratch, rng, digits):
    """What the server would round is refused."""
    moments = [random_moment(rng) for _ in range(1000)]
    texts = [printed(micros(moment)) for moment in moments]
    fits = [moment.microsecond % 10 ** (6 - digits) == 0 for moment in moments]
    requests = [ask(f"timestamp({digits}) from iso", text) for text in texts]
    results = through_server(target, scratch, f"timestamp({digits})", convert(requests))
    check(results, [text if fit else None for text, fit in zip(texts, fits)], requests)


# (type, spelling, how such a text is read by the server in UTC)
READINGS = [("timestamptz", "YYYY-MM-DD HH:MM:SS", "timestamptz"), ("timestamptz", "YYYY-MM-DD", "timestamptz"),
            ("timestamptz", "YYYY-MM-DDTHH:MM:SS.fff+05:30", "timestamptz"),
            ("timestamp", "YYYY-MM-DDTHH:MM:SSZ", "timestamp"), ("timestamp", "YYYY-MM-DD", "timestamp"),
            ("timestamp", "YYYY-MM-DD HH:MM:SS[.ffffff]", "timestamp"), ("date", "YYYY-MM-DDTHH:MM", "date"),
            ("date", "YYYY-MM-DD HH:MM:SSZ", "date"), ("date", "YYYY-MM-DD", "date"), ("time", "HH:MM:SS[.f*]", "time")]


@pytest.mark.parametrize("kind,spelling,reading", READINGS)
def test_texts_of_one_spelling(target, scratch, rng, kind, spelling, reading):
    texts = []
    for _ in range(1000):
        moment = random_moment(rng).replace(year=rng.randrange(1000, 9999), day=rng.randint(1, 28))
        if rng.random() < 0.3 or kind == "date":
            moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        way = (rng.choice("T "), rng.random() < 0.8, rng.choice(["", "", "[6]", ".3", "[*]"]),
               rng.choice(["", "Z", "+05:30"]))
        text = written(moment, *way)
        texts += [text] if text else []
        texts.append(text[:10] if text and kind != "time" else f"{moment:%H:%M:%S}")
    shape = re.escape(spelling).replace(r"\[\.f\*\]", r"(\.\d*[1-9])?")
    shape = shape.replace(r"\[\.ffffff\]", r"(?!\.000000)(\.\d{6})?")
    shape = re.compile(re.sub("[YMDHSf]", r"\\d", shape))
    taken = [text for text in texts if shape.fullmatch(text)]
    assert len(taken) > 10
    fields = convert([ask(f"{kind} from iso {spelling}", text) for text in texts])
    assert [text for text, field in zip(texts, fields) if field is not None] == taken
    results = through_server(target, scratch, kind, fields)
    file = scratch / "texts"
    file.write_text("".join(f"{number}\t{text}\n" for number, text in enumerate(texts)))
    target.script(f"CREATE TABLE texts (n bigint, t text);\n\\copy texts FROM '{file}'")
    assert len(results) == len(taken)
    assert target.rows(f"SELECT t, v FROM texts JOIN conversions USING (n) WHERE v <> t::{reading}") == []


def test_dates_from_numbers(target, scratch, rng):
    """Midnights of UTC are dates, no other second is."""
    days = [rng.randrange(-10**5, 10**5) for _ in range(500)]
    seconds = [day * 86400 + rng.choice([0, 0, 1, 43200]) for day in days]
    requests = [ask("date from unix-s", second) for second in seconds]
    results = through_server(target, scratch, "date", convert(requests))
    check(results, [None if second % 86400 else str(datetime.date(1970, 1, 1) + datetime.timedelta(days=day))
                    for second, day in zip(seconds, days)], requests)
    moments = [second * 1000 + 250 for second in seconds]
    requests = [ask("timestamp from unix-ms", moment) for moment in moments]
    results = through_server(target, scratch, "timestamp", convert(requests))
    check(results, [printed(second * 10**6 + 250000 - 946684800 * 10**6) for second in seconds], requests)


def test_numeric_told_apart(target, scratch, rng):
    """No integer and real that SQLite takes for different become one number."""
    sqlite = sqlite3.connect(":memory:")
    reals = [float(rng.randrange(2**53, 2**63)) for _ in range(300)] + [2.0**power for power in range(50, 66)]
    reals += [-real for real in reals]
    integers = [int(Decimal(repr(real))) for real in reals]
    pairs = [(real, integer) for real, integer in zip(reals, integers) if abs(integer) < 2**63]
    fields = convert([ask("numeric, told apart", real) for real, _ in pairs])
    others = convert([ask("numeric, told apart", integer) for _, integer in pairs])
    refused = 0
    for (real, integer), field, other in zip(pairs, fields, others):
        same = sqlite.execute("SELECT ? = ?", (real, integer)).fetchone()[0]
        assert (field == other) == bool(same) and (field is None) == (not same), (real, integer)
        refused += not same
    assert 0 < refused < len(pairs)
    assert convert([ask("numeric, told apart", "1")]) == [None]
    through_server(target, scratch, "numeric", fields)


SPECS = ["bigint", "integer", "smallint", "double precision", "real", "numeric", "numeric(10,2)",
         "numeric(5,0), told apart", "boolean", "boolean from words", "bytea", "bytea from any", "text", "text; escape",
         "text from any", "text from any, told apart", "varchar", "varchar(20)", "character(3)", "json", "jsonb",
         "uuid", "uuid from text", "uuid from blob", "date from iso", "time from iso", "time(2) from iso HH:MM:SS.ff",
         "timestamp from unix-s", "timestamp(3) from unix-ms", "timestamptz from webkit-1601",
         "timestamptz(0) from iso", "bigint[]", """enum "a b"."It's"('x','y''z')"""]


@pytest.mark.parametrize("spec", SPECS)
def test_types_are_what_the_catalog_says(target, spec):
    """Their names, object ids, sizes and alignment, and that their hash function is there to be called."""
    target.script("""CREATE SCHEMA "a b"; CREATE TYPE "a b"."It's" AS ENUM ('x', 'y''z')""")
    name, kind, oid, fixed, align, function = answers_to([("facts", spec)])[0].split("|")
    assert name == spec
    target.script(f"CREATE TABLE t (v {kind})")
    found = target.rows("SELECT atttypid, attlen, attalign, attbyval, format_type(atttypid, atttypmod) "
                        "FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum = 1")[0]
    assert found[4] == kind
    if not spec.startswith("enum"):
        assert oid == found[0]
    else:
        assert oid == "0"
    assert fixed == ("0" if found[1] == "-1" else found[1])
    if fixed != "0":
        assert align == {"c": "1", "s": "2", "i": "4", "d": "8"}[found[2]]
    if function:
        target.rows(f"SELECT {function}(v, 1::bigint) FROM t")
        target.rows(f"SELECT {function}(a.v, 1::bigint) # {function}(b.v, 2::bigint) FROM t a, t b")


# (spec, type of the column, value, whether the limit is the server's own, to the column)
WIDTHS = [("bigint", "bigint", 1, True), ("smallint", "smallint", 1, True), ("integer", "integer", 1, True),
          ("real", "real", 1.0, True), ("uuid", "uuid", b"0123456789abcdef", True),
          ("date from unix-s", "date", 86400, True), ("timestamp from unix-s", "timestamp", 1, True),
          ("numeric", "numeric", 1, True), ("numeric", "numeric", 10**15 + 1, True),
          ("numeric", "numeric", 0.0001, True), ("numeric", "numeric", "1e300", True),
          ("numeric", "numeric", "1." + "0" * 70, True),
          ("numeric", "numeric", "1234" * 9, True), ("numeric", "numeric", "1234" * 10, True),
          ("numeric", "numeric", "1234" * 11, True),
          ("character(5)", "character(5)", "a", True),
          ("character(30)", "character(30)", "abcdefghijklmnopqrstuvwxyz", True),
          ("varchar(30)", "varchar(30)", "é" * 15, True), ("json", "json", '{"a":1}', True),
          ("jsonb", "jsonb", "[]", False), ("jsonb", "jsonb", "1", False), ("jsonb", "jsonb", '"abcdefghijkl"', False),
          ("jsonb", "jsonb", "[1,2,3]", False), ("jsonb", "jsonb", '{"a": "bcdefghijklmnopqrstuvw"}', False),
          ("bigint[]", "bigint[]", "[]", True), ("bigint[]", "bigint[]", "[1]", True),
          ("bigint[]", "bigint[]", "[1,2,3]", True), ("""enum "public"."mood"('ok')""", "mood", "ok", True)]


@pytest.mark.parametrize("spec,kind,value,exact", WIDTHS)
def test_rows_as_wide_as_a_page_takes(target, scratch, spec, kind, value, exact):
    """What is let into a row the server takes; and one column more it refuses, where we are exact."""
    target.script("CREATE TYPE mood AS ENUM ('ok')")
    request = ask(spec, value)
    field = convert([request])[0]
    width = int(answers_to([("width", *request[1:])])[0])
    assert width > 300

    def load(columns):
        file = scratch / "wide.bin"
        file.write_bytes(b"PGCOPY\n\xff\r\n\0" + bytes(8) + struct.pack(">h", columns) +
                         (struct.pack(">i", len(field)) + field) * columns + b"\xff\xff")
        names = ", ".join(f"c{i} {kind}" for i in range(columns))
        target.script(f"SET client_min_messages = error; DROP TABLE IF EXISTS wide; CREATE TABLE wide ({names});\n"
                      f"\\copy wide FROM '{file}' WITH (FORMAT binary)")

    load(width)
    if exact and width < 1600:
        with pytest.raises(AssertionError, match="row is too big"):
            load(width + 1)
