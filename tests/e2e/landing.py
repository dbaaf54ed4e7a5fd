"""What a value of SQLite has to be in a column of PostgreSQL.

The ledger tells which conversion a column got, as a line of text (see replay/conversion.h for all
of them); what such a line means is worked out here once more, from the documentation of both
databases, with Python's integers, fractions and decimals.

A Rule is one column's. takes() says what a value of the source has to look like in the target, or
that it cannot stand there; landed() brings what psql fetched (postgres_side.FETCH) into the same
form. Where a type keeps another form of the value than SQLite did (a moment for a number of
seconds, say), the common form is that of the source, so that what is compared is also what could
be restored.
"""

import hashlib
import json
import math
import re
import struct
from datetime import date
from decimal import Decimal
from fractions import Fraction

from postgres_side import LONG, base_of
from sqlite_side import Text

MISFIT = object()
FIELD_MAX = 2**30 - 24  # what the server can allocate for one value
EXACT = 2**53           # integers up to this are exact in a double


# Numbers

def render_real(value):
    """A real as text: laid out as SQLite does, with as many digits, from fifteen on, as lead back
    to it."""
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    enough = next(text for text in (f"{value:.{n}e}" for n in (14, 15, 16)) if float(text) == value)
    negative, digits, exponent = Decimal(enough).as_tuple()
    digits = "".join(map(str, digits)).lstrip("0")
    power = len(digits) + exponent - 1 if digits else 0  # of the first digit
    digits = digits.rstrip("0") or "0"
    sign = "-" if negative else ""
    if power < -4 or power > 14:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}e{power:+03d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    digits = digits.ljust(power + 1, "0")
    return f"{sign}{digits[:power + 1]}.{digits[power + 1:] or '0'}"


def render(number):
    return (render_real(number) if isinstance(number, float) else str(number)).encode()


def looks_rendered(text):
    """Whether a number would be written with just these bytes."""
    text = text.decode("utf-8", "replace")
    try:
        return text == str(int(text)) and -2**63 <= int(text) < 2**63
    except ValueError:
        pass
    try:
        return not math.isnan(float(text)) and text == render_real(float(text))
    except ValueError:
        return False


def is_minus_zero(value):
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0


def canonical(decimal):
    """One text for each number: 12.50, 12.5 and 125e-1 are one, and so are 0 and -0."""
    negative, digits, exponent = Decimal(decimal).as_tuple()
    if not isinstance(exponent, int):
        return str(decimal)
    digits = "".join(map(str, digits)).lstrip("0")
    stripped = digits.rstrip("0")
    if not stripped:
        return "0"
    return f"{'-' if negative else ''}{stripped}e{exponent + len(digits) - len(stripped)}"


JSON_NUMBER = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def decimal_of(value):
    if isinstance(value, Text):
        return Decimal(value.decode()) if JSON_NUMBER.fullmatch(value) else None
    if isinstance(value, float):
        return None if math.isinf(value) or is_minus_zero(value) else Decimal(repr(value))
    return Decimal(value) if isinstance(value, int) else None


def within(decimal, bound):
    """Whether numeric(P, S) holds the number without rounding."""
    precision, scale = bound
    _, digits, exponent = Decimal(decimal).as_tuple()
    digits = "".join(map(str, digits)).lstrip("0")
    stripped = digits.rstrip("0")
    if not stripped:
        return True
    exponent += len(digits) - len(stripped)
    return -exponent <= scale and len(stripped) + exponent <= precision - scale


# Text

def is_clean(value):
    """Whether PostgreSQL takes it as text at all."""
    try:
        return "\0" not in value.decode("utf-8")
    except UnicodeDecodeError:
        return False


def bad_sequences(value):
    """The text in pieces: (bytes, whether they are bad), by maximal subparts (Unicode 3.9)."""
    at = 0
    while at < len(value):
        try:
            value[at:].decode("utf-8")
            good, bad = len(value), len(value)
        except UnicodeDecodeError as why:
            good, bad = at + why.start, at + why.end
        for piece in re.split(rb"(\0)", value[at:good]):
            if piece:
                yield piece, piece == b"\0"
        if good < bad:
            yield value[good:bad], True
        at = bad


def mend(value, how):
    if how == "escape":
        if is_clean(value) and not re.search(rb"\\x(00|[89a-f][0-9a-f])", value):
            return value
        return b"".join("".join(f"\\x{byte:02x}" for byte in piece).encode() if bad
                        else piece.replace(b"\\", b"\\\\") for piece, bad in bad_sequences(value))
    if is_clean(value):
        return value
    instead = {"strip": b"", "replace": "\ufffd".encode()}[how]
    return b"".join(instead if bad else piece for piece, bad in bad_sequences(value))


def as_fetched(data):
    """Bytes as postgres_side.FETCH has them."""
    return "sha256:" + hashlib.sha256(data).hexdigest() if len(data) > LONG else data.hex()


# Moments

MOMENT = re.compile(
    r"(?:(\d{4})-(\d\d)-(\d\d))?(?:(?:(?<=\d)([T ])|\A)(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(Z|[+-]\d\d(?::?\d\d)?)?)?")
DAY = 86400 * 10**6
UNIX = date(1970, 1, 1).toordinal()
EPOCHS = {  # encoding: (microseconds from 1970 to its zero, microseconds of its unit)
    "unix-s": (0, 10**6), "unix-ms": (0, 1000), "unix-us": (0, 1),
    "unix-ns": (0, Fraction(1, 1000)),
    "mac-2001": ((date(2001, 1, 1).toordinal() - UNIX) * DAY, 10**6),
    "webkit-1601": ((date(1601, 1, 1).toordinal() - UNIX) * DAY, 1),
    "julian-day": (-(Fraction(2440587) + Fraction(1, 2)) * DAY, DAY),
}


def read_moment(text):
    """(days since 1970 or None, microseconds since midnight or None, minutes east of UTC or None)
    of an ISO 8601 text; None if it is none."""
    found = MOMENT.fullmatch(text)
    if not found or not text:
        return None
    year, month, day, _, hour, minute, second, fraction, zone = found.groups()
    days = micros = offset = None
    if year is not None:
        try:
            days = date(int(year), int(month), int(day)).toordinal() - UNIX
        except ValueError:
            return None
    if hour is not None:
        hour, minute, second = int(hour), int(minute), int(second or 0)
        fraction = (fraction or "").ljust(9, "0")
        if hour > 23 or minute > 59 or second > 59 or fraction[6:] != "000":
            return None
        micros = ((hour * 60 + minute) * 60 + second) * 10**6 + int(fraction[:6])
    if zone is not None:
        digits = zone[1:].replace(":", "")
        offset = 0 if zone == "Z" else int(zone[0] + "1") * (int(digits[:2]) * 60
                                                             + int(digits[2:] or 0))
        if year is None or zone == "-00:00":
            return None
    return days, micros, offset


def shape(text):
    """How a moment is written, but for the length of its fraction: zone, separator and seconds.
    Texts of several shapes are no one encoding."""
    head, zone = re.fullmatch(r"(.*?)(Z|(?<=:\d\d)[+-][\d:]+|(?<=\.)\d+[+-][\d:]+)?",
                              re.sub(r"\.\d+", "", text)).groups()
    return re.sub(r"\d", "9", head), zone


class Moments:
    """date, time, timestamp or timestamptz from one encoding."""

    def __init__(self, kind, encoding):
        self.kind = kind
        self.digits = int(re.search(r"\((\d)\)", kind).group(1)) if "(" in kind else 6
        self.kind = kind.partition("(")[0]
        self.encoding, _, self.spelling = encoding.partition(" ")

    def takes(self, value):
        if self.encoding == "iso":
            return self.takes_text(value) if isinstance(value, Text) else MISFIT
        if isinstance(value, bytes) or is_minus_zero(value):
            return MISFIT
        micros = self.micros_of(value)
        if micros is None or micros % 10**(6 - self.digits):
            return MISFIT
        if self.kind == "date" and micros % DAY:
            return MISFIT
        return float(value).hex() if abs(value) <= EXACT else str(value)

    def micros_of(self, number):
        """Microseconds since 1970 of a number that they lead back to, or None."""
        zero, unit = EPOCHS[self.encoding]
        if isinstance(number, float) and not math.isfinite(number):
            return None
        exact = zero + Fraction(number) * unit
        if exact.denominator == 1:
            return int(exact)
        if isinstance(number, int):
            return None
        # A real with a fraction: the microsecond (for days, as SQLite counts them, the millisecond)
        # that is nearest to it, if it leads back.
        grain = 1000 if self.encoding == "julian-day" else 1
        nearest = round(exact / grain) * grain
        return nearest if self.number_of(nearest) == number else None

    def number_of(self, micros):
        zero, unit = EPOCHS[self.encoding]
        return float((micros - zero) / Fraction(unit))

    def takes_text(self, value):
        moment = read_moment(value.decode("utf-8", "replace"))
        if moment is None or self.spelling and not self.is_spelled(value.decode()):
            return MISFIT
        days, micros, offset = moment
        if self.kind == "time":
            return MISFIT if days is not None or micros % 10**(6 - self.digits) else str(micros)
        if days is None or self.kind == "date" and micros:
            return MISFIT
        micros = days * DAY + (micros or 0) - (offset or 0) * 60 * 10**6
        if not self.spelling and (self.kind == "timestamptz") != (offset is not None):
            return MISFIT
        return str(micros) if micros % 10**(6 - self.digits) == 0 else MISFIT

    def is_spelled(self, text):
        """Whether it is written by a pattern such as YYYY-MM-DD HH:MM:SS[.f*]+01:00."""
        pattern = ""
        for token in re.findall(r"YYYY|MM|DD|HH|SS|\[\.f\*\]|\[\.f+\]|\.f+|.", self.spelling):
            digits = token.count("f")
            if token == "[.f*]":
                pattern += r"(\.\d*[1-9])?"
            elif token.startswith("["):
                pattern += rf"((?!\.0{{{digits}}})\.\d{{{digits}}})?"
            elif digits:
                pattern += rf"\.\d{{{digits}}}"
            else:
                pattern += rf"\d{{{len(token)}}}" if token.isalpha() and len(token) > 1 \
                    else re.escape(token)
        return re.fullmatch(pattern, text) is not None

    def landed(self, fetched):
        micros = int(fetched)
        if self.kind == "date":
            micros = (micros + date(2000, 1, 1).toordinal() - UNIX) * DAY
        if self.encoding == "iso":
            return str(micros)
        zero, unit = EPOCHS[self.encoding]
        exact = (micros - zero) / Fraction(unit)
        if exact.denominator == 1 and abs(exact) > EXACT:
            return str(exact)
        return float(exact).hex()


# JSON

def canonical_json(text, binary):
    """jsonb: what was said; json: just as it was said. None where it is no JSON."""
    try:
        value = json.loads(text.decode("utf-8"), parse_float=Decimal, parse_int=Decimal,
                           parse_constant=lambda word: 1 / 0)
    except (ValueError, ZeroDivisionError, RecursionError):
        return None
    if not binary:
        return as_fetched(text)
    try:
        plain = json.dumps(value, sort_keys=True, ensure_ascii=False,
                           default=lambda number: {"number": canonical(number)})
        plain.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair
        return None
    return None if "\\u0000" in plain else plain


# One column

BITS = {"smallint": 15, "integer": 31, "bigint": 63}
WORDS = {"true": ["true", "t", "yes", "y", "on", "1"],
         "false": ["false", "f", "no", "n", "off", "0"]}


class Rule:
    def __init__(self, spec, kind="", not_null=False):
        self.spec, _, tail = (part.strip() for part in spec.partition(";"))
        self.mending = tail or None
        self.apart = self.spec.endswith(", told apart")
        self.head = self.spec.removesuffix(", told apart")
        self.kind = base_of(kind)
        self.not_null = not_null
        name, bracket, rest = self.head.partition("(")
        self.numbers = [int(n) for n in rest.rstrip(")").split(",")] \
            if bracket and re.fullmatch(r"[\d, ]+\)", rest) else None
        self.name = name.strip() if self.numbers else self.head
        type_name, _, encoding = self.head.partition(" from ")
        self.moments = Moments(type_name, encoding) \
            if re.match(r"date|time", type_name) and encoding else None

    # From the source

    def takes(self, value):
        """What it has to be, or MISFIT."""
        if value is None:
            return MISFIT if self.not_null else None
        if isinstance(value, bytes) and len(value) > FIELD_MAX:
            return MISFIT
        if self.moments:
            return self.moments.takes(value)
        if self.name.startswith("enum "):
            labels = [label.replace("''", "'") for label
                      in re.findall(r"'((?:[^']|'')*)'", self.name.partition("(")[2])]
            return value.hex() if isinstance(value, Text) and text_in(value, labels) else MISFIT
        method = TAKES.get(self.name)
        assert method, f"this judge does not know the conversion {self.spec}"
        return method(self, value)

    def alters(self, value):
        """Whether it arrives as another value than it is."""
        return bool(self.mending) and isinstance(value, Text) and mend(value, self.mending) != value

    def take_bigint(self, value):
        bits = BITS[self.name]
        return str(value) if isinstance(value, int) and -2**bits <= value < 2**bits else MISFIT

    def take_double_precision(self, value):
        if isinstance(value, float) or isinstance(value, int) and abs(value) <= EXACT:
            return struct.pack(">d", value).hex()
        return MISFIT

    def take_real(self, value):
        if isinstance(value, bytes):
            return MISFIT
        try:
            packed = struct.pack(">f", value)
        except OverflowError:
            return MISFIT
        same = struct.unpack(">f", packed)[0] == value and (
            isinstance(value, float) or abs(value) <= 2**24)
        return packed.hex() if same else MISFIT

    def take_numeric(self, value):
        decimal = decimal_of(value)
        if decimal is None or self.numbers and not within(decimal, (*self.numbers, 0)[:2]):
            return MISFIT
        if self.apart and isinstance(value, float) and abs(value) >= EXACT \
                and decimal != int(value) and abs(value) < 2**63:
            return MISFIT
        return canonical(decimal)

    def take_boolean(self, value):
        good = isinstance(value, int) and value in (0, 1)
        return ("true" if value else "false") if good else MISFIT

    def take_boolean_from_words(self, value):
        if isinstance(value, Text):
            word = value.decode("utf-8", "replace").lower()
            return next((truth for truth, words in WORDS.items() if word in words), MISFIT)
        return self.take_boolean(value)

    def take_bytea(self, value):
        blob = isinstance(value, bytes) and not isinstance(value, Text)
        return as_fetched(value) if blob else MISFIT

    def take_bytea_from_any(self, value):
        return as_fetched(value if isinstance(value, bytes) else render(value))

    def take_text(self, value):
        if not isinstance(value, Text):
            return MISFIT
        if self.mending:
            value = Text(mend(value, self.mending))
        if not is_clean(value) or len(value) > FIELD_MAX:
            return MISFIT
        return as_fetched(value)

    def take_varchar(self, value):
        taken = self.take_text(value)
        if taken is MISFIT or not self.numbers:
            return taken
        mended = mend(value, self.mending) if self.mending else value
        return taken if len(mended.decode()) <= self.numbers[0] else MISFIT

    def take_character(self, value):
        if self.apart and isinstance(value, Text) and value.endswith(b" "):
            return MISFIT
        if self.take_varchar(value) is MISFIT:
            return MISFIT
        mended = mend(value, self.mending) if self.mending else value
        return as_fetched(mended.rstrip(b" "))

    def take_text_from_any(self, value):
        if not isinstance(value, bytes):
            return as_fetched(render(value))
        if self.apart and isinstance(value, Text) and looks_rendered(value):
            return MISFIT
        return self.take_text(value)

    def take_json(self, value):
        if self.take_text(value) is MISFIT:
            return MISFIT
        mended = mend(value, self.mending) if self.mending else value
        plain = canonical_json(mended, self.name == "jsonb")
        return MISFIT if plain is None else plain

    def take_uuid(self, value):
        if isinstance(value, Text):
            found = re.fullmatch(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)
            return value.decode() if found else MISFIT
        if isinstance(value, bytes) and len(value) == 16:
            return re.sub(r"^(.{8})(.{4})(.{4})(.{4})", r"\1-\2-\3-\4-", value.hex())
        return MISFIT

    def take_uuid_from_text(self, value):
        return self.take_uuid(value) if isinstance(value, Text) else MISFIT

    def take_uuid_from_blob(self, value):
        return MISFIT if isinstance(value, Text) else self.take_uuid(value)

    def take_bigint_array(self, value):
        try:
            numbers = json.loads(value.decode("utf-8")) if isinstance(value, Text) else None
        except ValueError:
            return MISFIT
        good = isinstance(numbers, list) and all(
            type(n) is int and -2**63 <= n < 2**63 for n in numbers)
        return json.dumps(numbers, separators=(",", ":")).encode().hex() if good else MISFIT

    # From the target

    def landed(self, fetched):
        """The same form of what was fetched."""
        if fetched is None:
            return None
        if self.moments:
            return self.moments.landed(fetched)
        if self.kind == "numeric":
            return canonical(fetched)
        if self.kind == "jsonb":
            return canonical_json(bytes.fromhex(fetched), True)
        return fetched


TAKES = {
    "bigint": Rule.take_bigint, "integer": Rule.take_bigint, "smallint": Rule.take_bigint,
    "double precision": Rule.take_double_precision, "real": Rule.take_real,
    "numeric": Rule.take_numeric, "boolean": Rule.take_boolean,
    "boolean from words": Rule.take_boolean_from_words, "bytea": Rule.take_bytea,
    "bytea from any": Rule.take_bytea_from_any, "text": Rule.take_text,
    "varchar": Rule.take_varchar, "character": Rule.take_character,
    "text from any": Rule.take_text_from_any, "json": Rule.take_json, "jsonb": Rule.take_json,
    "uuid": Rule.take_uuid, "uuid from text": Rule.take_uuid_from_text,
    "uuid from blob": Rule.take_uuid_from_blob, "bigint[]": Rule.take_bigint_array,
}


def text_in(value, labels):
    return value.decode("utf-8", "replace") in labels


def is_beyond_text(value):
    """What PostgreSQL has no text for, whatever the column: NUL and bytes that are not UTF-8."""
    return isinstance(value, Text) and not is_clean(value)


def is_beyond_field(value):
    return isinstance(value, bytes) and len(value) > FIELD_MAX
