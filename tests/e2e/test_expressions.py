"""SQLite's expressions carried over to PostgreSQL, judged by both (see expressions.py): those that must
be carried, those that must be refused, and thousands at random.

The seed of a run is printed when a test fails; ROWFERRY_SEED repeats it, and ROWFERRY_EXPRESSIONS says how
many of each kind.
"""

import collections
import os
import random
import sqlite3
import time

import pytest

from expressions import (BY_NAME, NUMBER, Both, Maker, described, form_of, same, shown, tool,
                         translate, type_of)
from postgres import quote

SEED = int(os.environ.get("ROWFERRY_SEED", "20240501"))
COUNT = int(os.environ.get("ROWFERRY_EXPRESSIONS", "3000"))


@pytest.fixture
def rng(request):
    print(f"ROWFERRY_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def both(target, rng):
    return Both(target, rng)


def split(text):
    """Expressions between semicolons, which none of them holds."""
    return [part.strip() for part in text.replace("\n", " ").split(";")]


CONDITIONS = r"""
a = 1; a <> 1; a == 1; a != 1; a < b; a >= 0 AND a <= 100; a BETWEEN 0 AND 100;
a NOT BETWEEN -1 AND b; a IN (1, 2, 3); a NOT IN (1, NULL); a IN (); a NOT IN (); a IS NULL;
a IS NOT NULL; a ISNULL; a NOTNULL; a NOT NULL; a IS b; a IS NOT b; a IS 1;
a IS NOT DISTINCT FROM b; a IS DISTINCT FROM 1; a; NOT a; NOT NOT a; -a > 0; +a = 1; ~a = -2;
- a < b; a + b > 0; a - b >= 0; a * b < 100; a / b = 2; a % b = 1; a / 0 IS NULL; a % 10 = 3;
a / 10 > 5; a / -1 > 0; k % 9 * 2 + 1 > 3; k + a > 0; a + 1 > b; b >= a + 3600; a + 3600 <= b;
a - -7 = k; -a = b; -a IS b; a & 4; a & 4 = 0; a | 1 = a; a << 2 = 0; a >> 3 > 1; a & b;
(a & 6) >> 1 = 1; 1 << 3 = 8; a > 0x10; a = -0x1; a < 9223372036854775807;
a >= -9223372036854775808; abs(k) < 5; abs(a) > 10; a = '1'; a = '1.0'; '5' < a; a > 0.5; a < 2.5;
a = 1.0; 0.5 < a; a > 1e3; a IN ('1', 2, 2.0); a IN (1, 2.5); j = 1; j > 5; j IN (1, 2);
a + 1 > b OR a IS NULL; "order" > 0; [order] > 0; `order` > 0; "a" = 1; e.a = 1; E."A" < 5;
rowid > 5; _rowid_ < 100; oid = id; "Ünit one" = 'ä'; a=1 AND b=2 OR k=3; NOT a = 1; NOT a IS NULL;
a = b = 1; a < b < 2; CASE WHEN a > 0 THEN 1 ELSE 0 END;
CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' END = 'x'; iif(a > 0, a, b) > 3; f; NOT f; f = 1; f = 0;
1 = f; f <> 1; f IN (0, 1); f IN (1); f IS 1; f IS NOT 1; f IS TRUE; f IS NOT TRUE; f IS FALSE;
f = TRUE; f = FALSE; f = g; f < g; f = 2; f >= 1; f > 0; f + g = 1; f + g + k > 2; f AND g;
f OR a > 1; f IS NULL; f BETWEEN 0 AND 1; f = '1'; f = 1.0; f == (a > 1); coalesce(f, 0);
coalesce(f, 0) = 1; coalesce(f, 0) + coalesce(g, 0) <= 1; CASE WHEN f THEN a ELSE b END > 1;
-f < 0; f IN (a, 1); a IN (f, g); f = a; (f) = (1); a IS TRUE; a IS NOT FALSE; a IS NOT TRUE COLLATE nocase; TRUE; NOT FALSE; 1;
0; NULL; a IS TRUE = f; r > 0; r >= 0.5; r = 0; r = 1; r < s; r <> s; r IS s; r BETWEEN 0 AND 100;
r IN (0.5, 1, 2); -r < 0; abs(r) < 10; r; NOT r; r = '0.5'; r = '1'; r IS NULL; r > length(t);
length(t) < r; r >= f; round(r) = 3; round(r, 0) > 2; CAST(r AS INTEGER) = 2;
CAST(r AS INTEGER) > k; r > 100000000; r IN (1, 2.5, NULL); CAST(a AS REAL) / 100 > 1;
a / 100.0 >= 0.01; a * 1.5 > 2; k * 0.1 < 1; k / 2.0 = 2.5; k + 0.5 > 2; 1.0 / k > 0.1;
a * 0.01 > 3; n = 1; n > 0; n < r; n IS NULL; n BETWEEN -1 AND 0.5; abs(n) > 1; n; n IN (0, 0.5);
n = '0.5'; -n > 0; coalesce(n, 0) > 1; round(n) = 1; d >= 0; d > 12.5; d = 0.1;
d BETWEEN 0 AND 100; d IN (1, 12.5); d IS NULL; d; 0 < d; d <> 19.99; coalesce(d, 0) >= 0;
d = '12.5'; d > -1; t = 'abc'; t <> ''; t < 'b'; t >= q; t = u; u = t; u = 'ABC'; u < 'B';
u <> 'ß'; u IN ('ABC', 'Z'); w = 'abc'; w < 'abc '; t = w; w = t; w IN ('abc', 'a');
t = 'abc' COLLATE NOCASE; t COLLATE NOCASE = 'ABC'; u COLLATE BINARY = 'ABC';
t COLLATE RTRIM = 'abc'; t COLLATE "nocase" < 'c'; t = u COLLATE BINARY; t BETWEEN 'a' AND 'c';
u BETWEEN 'A' AND 'c'; t IN ('a', 'abc', NULL); t IS NULL; t IS 'a'; t IS NOT q; t = 1; t = '1';
1 = t; t IN (1, 'a'); v = 'a'; v = t; CAST(a AS TEXT) = '1'; CAST(a AS TEXT) = 1; t = a||'';
a || '' = '1'; (t || q) = 'ab'; t || q <> ''; t = 'it''s'; t = 'a\b'; c >= '2020-01-01';
c < '2020-01-01 00:00:00'; c = ''; c IN ('X', 'not known'); c = c; c IS NOT NULL; +t = 'a';
+u = 'ABC'; CAST(u AS TEXT) = 'ABC'; length(t) > 0; length(t) <= 20; length(trim(t)) > 0;
length(a) < 5; length(x) = 3; length(t) BETWEEN 1 AND 5; t IS NULL OR length(t) = 3; length(f) = 1;
lower(t) = t; upper(t) = t; lower(t) = 'abc'; upper(q) <> lower(q); trim(t) = t; trim(t) <> '';
ltrim(t) = rtrim(t); trim(t, 'a') = ''; trim(q, 'bc') = 'a'; ltrim(t, 'ä') = '';
rtrim(t, '0.') = '1'; trim(t, '') = t; substr(t, 1, 1) = 'a'; substr(t, 2) = 'bc';
substr(t, -2) = 'bc'; substr(t, 0, 2) = 'a'; substr(t, 1, 0) = ''; substring(t, 2, 1) = 'b';
substr(a, 1, 1) = '1'; instr(t, 'b') > 0; instr(t, '') = 1; instr(t, q); instr(x, x'62') = 2;
replace(t, 'a', 'x') = 'x'; replace(t, 'b', '') <> t; replace(t, q, 'x') = 'x'; hex(x) = '616263';
hex(x) <> ''; typeof(a) = 'integer'; typeof(a) IN ('integer', 'null'); typeof(r) = 'real';
typeof(t) = 'text'; typeof(x) = 'blob'; typeof(f) = 'integer'; typeof(k) <> 'text'; t LIKE 'a%';
t LIKE '%B%'; t LIKE '_'; t LIKE 'a\%b' ESCAPE '\'; t LIKE 'a!_b' ESCAPE '!'; t LIKE 'a\b';
t NOT LIKE '%ä%'; t LIKE 'STRASSE'; t LIKE ''; t LIKE '%'; a LIKE '1%'; t LIKE '😀'; t LIKE 'É';
t LIKE '%@%.%'; t LIKE NULL; f LIKE '1'; t GLOB 'a*'; t GLOB '*[0-9]*'; t NOT GLOB '*[^0-9]*';
t GLOB '[A-Z][0-9]'; t GLOB '?'; t GLOB 'a?c'; t GLOB '*[*]*'; t GLOB '*[]]*'; t GLOB '[^a]*';
t GLOB '[[]x]'; t GLOB '[a-]*'; t GLOB '[-a]*'; t GLOB '[z-a]*'; t GLOB 'a\b'; t GLOB '*%*';
t GLOB '[ä-ü]'; t GLOB '[日-語]*'; t GLOB '*[a-zA-Z]*'; t GLOB '[A-Za-z_]*'; t GLOB '[\]*';
a GLOB '[0-9]*'; t GLOB ''; t GLOB '[^]^]*'; t GLOB '[a-c-e]*'; t GLOB '*.*'; x = x'616263'; x < y;
x <> x''; x IS NULL; x IN (x'00', x'ff'); x BETWEEN x'00' AND x'80'; x IS y; coalesce(x, y) = x'';
coalesce(a, b, 0) > 0; ifnull(t, '') = ''; ifnull(a, k) = k; nullif(a, 0) IS NULL;
nullif(t, '') IS NOT NULL; nullif(u, 'ABC') IS NULL; min(a, b) = a; max(a, b, k) > 5;
min(t, q) = t; max(k, 3) = 3; min(f, g); coalesce(t, CAST(a AS TEXT)) = '1'; o IS NULL;
o IS NOT NULL; CASE WHEN t = '' THEN NULL ELSE t END = 'a'; CASE WHEN f THEN 1.5 ELSE 2 END > 1.6;
CASE u WHEN 'ABC' THEN 1 END; CASE t WHEN q THEN f ELSE g END; (a IS NULL) <> (b IS NULL);
(a IS NULL) + (b IS NULL) + (t IS NULL) = 1; (a > 0) = (b > 0); (a > 0) + 1 = 2; f = (t <> '');
t IN ('new', 'open', 'closed'); NOT (a IS NULL AND b IS NULL);
(f = 0 AND t IS NULL) OR (f = 1 AND t IS NOT NULL); "double quoted" = t; -9223372036854775808 = a;
-(-9223372036854775807) = a; a <= 9007199254740993; a = 0xFFFFFFFFFFFFFFFF; ((((a))))>1; a>-1;
a<-1; a-1>0; a- -1>0; i4 + 1 > 0; i4 * i2 = 49; i4 = a; -i2 > 0; i2 << 3 > i4; abs(i4) > i2;
i4 BETWEEN i2 AND 100; i4 / i2 = 1; e >= h; e = h; e < a; h <> j; e > i4; e = 9999999999999.99; h IN (12, 12.5);
e IS h; v5 = t; v5 < 'b'; lower(v5) = 'abc'; length(v5) = 5; v5 LIKE '_b%'; v5 || t = 'ab'; trim(v5) <> v5;
min(v5, t) = v5; coalesce(v5, t) = ''; v5 GLOB '[a-z]*'; v5 = 'äöüß€'; h > 9223372036854775807; t = 1.5; t IN (0.1, 100.0); 1.5 || '' = '1.5'; e.rowid > 0;
length(1e-5) = 7; t LIKE 1.0; substr(t, 2, 2147483647) = 'bc'; substr(t, 2147483647, 2147483647) = '';
1000000.0 || 'x' = '1000000.0x'; "rowid " = t;
CAST(CAST(a AS TEXT) AS NUMERIC) > 0; CAST(CAST(a AS TEXT) AS INTEGER) = a
"""

MOMENTS = r"""
ma <= mb; ma = mb; ma <> mb; mb > ma; ma IS mb; ma IS NOT mb; ma IS NULL; mf IS NOT NULL;
ma >= '2024-05-01 00:00:00'; '2024-05-01 00:00:00' < mb; ma BETWEEN '1970-01-01 00:00:00' AND mb;
ma IN ('2000-02-29 12:00:00', '2024-05-01 00:00:01', NULL); mb COLLATE BINARY = ma;
ma = '0001-01-01 00:00:00'; ma < '9999-12-31 23:59:59'; md < me; md = '2024-05-01';
md IN ('0001-01-01', '2000-02-29'); mt < '10:00:00'; mt BETWEEN '00:00:00' AND '09:59:59';
mz = my; mz >= '2024-05-01T00:00:00.010Z'; my <> '2024-05-01T00:00:01.000Z'; mz IS NULL OR my IS NULL;
ms > 0; ms >= 1714521600; ms = 1714521600.5; ms < '1'; ms = mr; ms <= mr; ms BETWEEN 0 AND 253402300799;
ms IN (0, 1, '1714521601', 0.25); mr = 0; mr > 1714521600.5; mm > 0; mm <> 1714521600001; mm >= -1;
mj = 2440588.0; mj > 2440587.5; 2440588 <= mj; nullif(ma, mb) IS NULL; +ms > 0; me IS '2024-05-01';
nullif(ma, '2000-02-29 12:00:00') IS NOT NULL; CASE ma WHEN mb THEN 1 ELSE 0 END;
ms = -62135596800; md IS DISTINCT FROM me; NOT ms = mr; (ms > 0) = (mr > 0)
"""

VALUES = {
    "to_bigint": r"""a; a % 10; length(t) * 60 * 60; a & 255; length(t); coalesce(a, 0); f; f + 1;
        a > b; '5'; '007'; 5.0; CAST(r AS INTEGER); CAST(a AS INT); -(a % 7); abs(a >> 1);
        CASE WHEN f THEN k ELSE -1 END; a / 2; a >> 1; ~a; instr(t, 'a'); NULL; TRUE;
        iif(f, a, b); max(a, b); nullif(a, 0); 60 * 60 * 24; a / 10 % 2; k << 4; a % b; id; rowid;
        ifnull(a, b); t IS NULL; a | b; 0x7fffffffffffffff; -9223372036854775808; CAST(a AS TEXT);
        '9223372036854775807'""",
    "to_any_bigint": r"""a; length(t) + 1; f; length(t); i4; i2 * i4""",
    "to_i4": r"""i4; i2; i2 + 1; i2 * 1000; length(t); f; 2147483647; -2147483648; '5'; a % 1000; i4 & 255;
        coalesce(i4, 0)""",
    "to_i2": r"""i2; f; 32767; -32768; a % 100; i2 / 2""",
    "to_v5": r"""''; 'abcde'; 'äöüß€'; 12345; NULL""",
    "to_double": r"""r; a; CAST(r AS NUMERIC); a / 100.0; k * 0.1; CAST(a AS REAL); -r; abs(r); round(r); round(a); n;
        5; 0.1; '2.5'; coalesce(r, 0.0); f; CAST(n AS REAL); k / 3.0; a * 1.1 + 0.5;
        1.0 / nullif(k, 0); CASE WHEN f THEN r ELSE s END; round(n); nullif(r, 0.0); - -r; 1e10;
        0.000001; 123456.789""",
    "to_number": r"""f; 5; 2.5; length(t); '1.5'; n; a % 100 / 4.0""",
    "to_any_double": r"""r; p; 0.5; k / 2.0; -p; abs(p); coalesce(p, 0.5); a % 3 * -0.5""",
    "to_boolean": r"""f; NOT f; a > 0; a IS NULL; t = ''; 0; 1; TRUE; f AND g; k & 1; '1'; 1.0;
        coalesce(f, 0); coalesce(f, 1); a IN (1, 2); t LIKE 'a%'; CASE WHEN f THEN 1 ELSE 0 END;
        f IS NOT g""",
    "to_text": r"""t; lower(t); upper(u); t || q; t || ' ' || q; trim(t); substr(t, 1, 3); a;
        CAST(a AS TEXT); a || ':' || k; coalesce(t, 'none'); replace(t, ' ', '_');
        CASE WHEN f THEN 'yes' ELSE 'no' END; 'lit'; 'a\b'; nullif(t, ''); hex(x); typeof(r); f;
        f || ''; 5; u COLLATE BINARY; min(t, q); ltrim(t); rtrim(t, 'c'); c; v; ifnull(u, t);
        substr(lower(t), -3); '5'; 'it''s'; substr(a, 2); "str" || ''""",
    "to_stamp": r"""c; '2020-01-01'""",
    "to_any_text": r"""t; v; lower(t); '5'; t || a""",
    "to_bytea": r"""x; x'00ff'; coalesce(x, y); coalesce(x, x''); nullif(x, x'');
        CASE WHEN f THEN x ELSE y END; x''""",
    "to_numeric": r"""a; k; 5; 2.5; '19.99'; 0.1""",
    "to_mixed": r"""a; 'word'; f; f + 1""",
}

REFUSED = {
    "strftime('%s', t) > 1": "function strftime()",
    "random() > 0": "function random()",
    "json_valid(t)": "function json_valid()",
    "printf('%d', a) = '1'": "function printf()",
    "(SELECT 1)": "a subquery",
    "EXISTS (SELECT 1)": "a subquery",
    "a IN (SELECT 1)": "a subquery",
    "a IN tbl": "IN over a table",
    "(a, b) = (1, 2)": "a row value",
    "t REGEXP 'a'": "operator REGEXP",
    "t MATCH 'a'": "operator MATCH",
    "t ->> 'a' = 1": "operator ->",
    "t = 5 AND 'a' > 5": "comparison of text with a number",
    "a = 'x'": "comparison of a number with text",
    "a = t": "text that may look like a number",
    "x = t": "comparison of a blob with text",
    "r + s > 1": "arithmetic on reals",
    "r * 2 > 1": "arithmetic on reals",
    "a + b = j": "integer arithmetic that may overflow",
    "a + b + k > 0": "arithmetic on an integer that may have overflowed",
    "t": "text as a condition",
    "r || '' = '1.0'": "a real rendered as text",
    "CAST(9007199254740991 AS REAL) || '' = t": "a real rendered as text",
    "abs(a || '') = 1": "abs() of text",
    "round(CAST(a AS TEXT)) = 1": "round() of text",
    '"rowid" = 1': "the rowid",
    "t + 1 > 0": "arithmetic on text",
    "CAST(t AS INTEGER) > 1": "CAST of text to an integer",
    "a < r": "comparison of a 64-bit integer with a real",
    "d + 1 > 0": "arithmetic on a numeric",
    "o = 1": "comparison of a column whose values are converted",
    "missing = 1": "column missing",
    "e2.a = 1": "a column of table e2",
    "CURRENT_TIMESTAMP > t": "CURRENT_TIMESTAMP outside of a default",
    "a <<b": "a shift",
    "t COLLATE own = 'a'": "a collation of the application's own",
    "lower(t COLLATE NOCASE) = 'A'": "COLLATE within an operand",
    "ma > '2024-05-01'": "comparison of a date or time with what is none of that column",
    "ma = ''": "comparison of a date or time with what is none of that column",
    "ma = '2024-02-30 00:00:00'": "comparison of a date or time with what is none of that column",
    "ma = t": "text that may look like a number",
    "mb = t": "comparison of a date or time with what is none of that column",
    "ms = a": "comparison of a date or time with what is none of that column",
    "ms > 253402300800": "comparison of a date or time with what is none of that column",
    "ms > 9223372036854775807": "comparison of a date or time with what is none of that column",
    "mj > 0.3": "comparison of a date or time with what is none of that column",
    "mr = 0.0000001": "comparison of a date or time with what is none of that column",
    "mj = -1": "comparison of a date or time with what is none of that column",
    "ma = md": "comparison of dates or times that are kept in two ways",
    "ma = mf": "comparison of a date or time with what is none of that column",
    "ms = mm": "comparison of dates or times that are kept in two ways",
    "mf = '2024-05-01 00:00:00'": "comparison of a column whose values are converted",
    "ma COLLATE own = mb": "a collation of the application's own",
    "ma || '' = t": "a date or time rendered as text",
    "substr(ma, 1, 4) = '2024'": "a date or time rendered as text",
    "ma LIKE '2024%'": "a date or time rendered as text",
    "length(ma) = 19": "a date or time rendered as text",
    "ms + 1 > 0": "arithmetic on a date or time",
    "ms / 1000 > 0": "arithmetic on a date or time",
    "-ms < 0": "arithmetic on a date or time",
    "coalesce(ma, mb) = ma": "results of different types",
    "max(ma, mb) = ma": "results of different types",
    "typeof(ms) = 'integer'": "typeof() of a date or time",
    "CAST(ms AS INTEGER) > 0": "CAST of a date or time",
    "ms": "a date or time as a condition",
    "date(ma) = '2024-05-01'": "function date()",
    "strftime('%Y', 'now') > '2000'": "function strftime()",
    "julianday(t) > 0": "function julianday()",
    "e < r": "comparison of a numeric with more than a small number",
    "d < e": "comparison of a numeric with more than a small number",
    "CAST(a AS ) = 1": "CAST to no type",
    "substr(t, -3, 2) = 'ab'": "substr() of a number of characters counted from the end",
    "count(DISTINCT a) = 1": "an aggregate",
    "a IN (VALUES (1))": "a subquery",
    "a = 1_000": "syntax",
    "a = 1x": "syntax",
    "CAST(a AS INTEGER(x)) = 1": "syntax",
    "e.1 = 1": "syntax",
    "t COLLATE 1 = 'a'": "syntax",
    "t GLOB '" + "[a]" * 400 + "'": "GLOB with a pattern of more than 1000 bytes",
    "r < 12e15": "the number 12e15",
    "a = -0x8000000000000000": "the number -0x8000000000000000",
    "r + k > 1": "arithmetic on reals",
    "a IS NOT NULL AND date(t) > 5": "function date()",
    "'x' * 2 = 0": "arithmetic on text",
    "t LIKE q": "a pattern that is not a literal",
    "t LIKE 'a' ESCAPE 'xy'": "ESCAPE",
    "t LIKE 'a!' ESCAPE '!'": "ends in its escape",
    "t GLOB '[a'": "a set that does not end",
    "t GLOB q": "a pattern that is not a literal",
    "count(*) > 1": "function count(*)",
    "sum(a) > 1": "function sum()",
    "max(a) > 1": "function max()",
    "a > 9223372036854775808": "the number 9223372036854775808",
    "r > 1e400": "the number 1e400",
    "a = 1 b": "syntax",
    "a = ": "syntax",
    "(a = 1": "syntax",
    "a = 'open": "syntax",
    "a = ?": "syntax",
    "a = :x": "syntax",
    "a = 1;": "syntax",
    "": "syntax",
    "typeof(n) = 'real'": "typeof()",
    "round(r, 2) = 1": "round()",
    "min(r, s) > 0": "min()",
    "coalesce(t, a) = 1": "results of different types",
    "hex(t) = ''": "hex()",
    "unicode(t) = 1": "function unicode()",
    "substr(t, k) = ''": "substr()",
    "n + 1 > 0": "arithmetic on a number",
    "RAISE(ABORT, 'x')": "function RAISE()",
    "sum(a) OVER () > 1": "syntax",
    "a - 3600 > b": "integer arithmetic that may overflow",
    "a * 2 > b": "integer arithmetic that may overflow",
    "- -a < 5": "arithmetic on an integer that may have overflowed",
    "a * b < 9223372036854775807": "integer arithmetic that may overflow",
    "t LIKE '%\ufffd'": "a replacement character",
    "t GLOB '\uffff'": "a replacement character",
    "k < r": "comparison of a 64-bit integer with a real",
}

DEFAULTS = {
    "to_i4": r"""0; -1; 2147483647; '5'""",
    "to_i2": r"""0; -32768""",
    "to_v5": r"""''; 'abcde'; 'äöüß€'; 12345; 'a b '""",
    "to_bigint": r"""0; 1; -5; +5; - 7; '1'; "12"; (1 + 2); 0x10; 1.0; NULL; TRUE; false;
        (60 * 60); '-3'; 9223372036854775807; -9223372036854775808; (length('abc'));
        (CASE WHEN 1 THEN 2 ELSE 3 END)""",
    "to_any_bigint": r"""3""",
    "to_double": r"""0; 0.0; 1.5; -2.25; '2.5'; 1e3; NULL; TRUE; 0.1; 19.99""",
    "to_number": r"""0; 1.5; '3'; -1""",
    "to_boolean": r"""0; 1; TRUE; FALSE; '1'; NULL; (1 = 1); "0"; 1.0""",
    "to_text": r"""''; 'abc'; "abc"; abc; [x y]; `z`; 'it''s'; 'a\b'; 5; -5; TRUE; "true"; 'ä😀';
        ('a' || 'b'); NULL; ""; (lower('ABC')); (1); 0x1f; 1.5; -0.1; 1e5; 1e15; 1e-7; (2.50)""",
    "to_stamp": r"""'2020-01-01'; ''; 'never'; "x"; NULL""",
    "to_any_text": r"""'5'; abc; 'x'""",
    "to_bytea": r"""x'00ff'; x''; NULL""",
    "to_numeric": r"""0; 1.5; '19.99'; -3""",
    "to_mixed": r"""5; 'word'; '01'; 1.5; NULL""",
    "to_date": r"""NULL""", "to_unix": r"""NULL""",
}

REFUSED_DEFAULTS = {
    "to_i4": r"""2147483648; -2147483649; 1.5; 'x'""",
    "to_i2": r"""32768; -32769""",
    "to_v5": r"""'abcdef'; 'abcde '; 123456; CURRENT_TIMESTAMP""",
    "to_bigint": r"""'abc'; 1.5; x'00'; ''; CURRENT_TIMESTAMP; (random()); '1e400';
        99999999999999999999; abc; (datetime('now', 'localtime'))""",
    "to_double": r"""'abc'; ''; x'00'; 1e999""",
    "to_boolean": r"""2; 'true'; 't'; -1; 0.5""",
    "to_text": r"""x'00'; ('a' < 'b'); (hex(randomblob(16))); (strftime('%W', 'now'));
        (datetime('now', '+1 day')); (unknown('x')); 9999999999999999999""",
    "to_any_text": r"""5""",
    "to_stamp": r"""5; '5'; 0""",
    "o": r"""0; 'x'; CURRENT_TIMESTAMP""",
    "to_bytea": r"""'abc'; 0""",
    "to_numeric": r"""'x'; x'00'""",
    "to_mixed": r"""'5'; 'Inf'; '1.0e+20'""",
    "to_date": r"""'2020-02-30'; 'x'; ''; 0; CURRENT_TIMESTAMP; (date('now', '+1 day')); '2020-1-1';
        ('2020' || '-01-01'); (strftime('%Y-%d-%m', 'now')); (strftime('%H%M-%m-%d', 'now'));
        (strftime('2001-%m-%d', 'now')); (unixepoch()); (julianday('now')); x'00'""",
    "to_time": r"""'24:00:00'; '12:00'; CURRENT_TIMESTAMP; (strftime('%H:%S:%M', 'now')); 5""",
    "to_timestamp": r"""'2020-01-01'; CURRENT_DATE; '2020-01-01 24:00:00'; '2020-01-01T00:00:00';
        (strftime('%Y-%m-%d %H:%M:00', 'now')); (strftime('%Y-%m-%d %H:%M', 'now'));
        (strftime('%Y-%m-%d %H:%M:%f', 'now')); (strftime('%s', 'now')); 0;
        (datetime('now', 'localtime')); '0000-01-01 00:00:00'""",
    "to_zoned": r"""CURRENT_TIMESTAMP; (strftime('%Y-%m-%dT%H:%M:%S+01:00', 'now'))""",
    "to_needed": r"""(strftime('%Y-%m-%d %H:%M:%f', 'now')); '2020-01-01 00:00:00.10'""",
    "to_winter": r"""(strftime('%Y-%m-%d %H:%M:%S+01:00', 'now')); CURRENT_TIMESTAMP""",
    "to_unix": r"""CURRENT_TIMESTAMP; (unixepoch() * 1000); (julianday('now')); 'now'; '2020-01-01';
        1e18; 9223372036854775807; (unixepoch() + 1); (-unixepoch()); (nullif(unixepoch(), 5));
        (unixepoch() % 1000); x'00'""",
    "to_text_unix": r"""0; '0'; (unixepoch()); (strftime('%s', 'now'))""",
    "to_unix_ms": r"""(unixepoch()); (strftime('%s', 'now') * 1000.0); (unixepoch() * 1000 * 1000);
        (unixepoch() * -1000); (unixepoch() * 1000000); 253402300800000""",
    "to_unix_day": r"""1; (unixepoch()); 86401""",
    "to_julian": r"""(unixepoch()); (abs(julianday('now'))); (-julianday('now')); 0.3; '2440587.5'""",
}

INDEX_PARTS = r"""
    a; t; u; w; "t"; [u]; `w`; 't'; 't' COLLATE NOCASE; t COLLATE NOCASE; u COLLATE BINARY;
    lower(t); lower(t) COLLATE RTRIM; a % 10; coalesce(a, 0); t || q; length(t); f; f AND g; r;
    abs(r); x; a IS NULL; upper(u); (t) COLLATE NOCASE; substr(t, 1, 2); CAST(a AS TEXT); n; d; c;
    ma; ms; mj; ma COLLATE NOCASE; i4; v5; v5 COLLATE NOCASE; h; (o) IS NULL; ma < mb; trim(t) COLLATE NOCASE; a & 7; -length(t); CASE WHEN f THEN t END
"""


def test_conditions_that_must_be_carried(both):
    texts = split(CONDITIONS) + ["a = 1 /* yes */ AND -- no\n b = 2", "a \ufeff= \ufeff1", "t LIKE '%\n%'",
                                 "t GLOB '*[\n\t]*'"]
    carried, refused = both.compare_conditions(texts)
    assert not refused
    assert carried == len(texts) > 360


def test_comparisons_of_dates_and_times(both):
    texts = split(MOMENTS)
    carried, refused = both.compare_conditions(texts)
    assert not refused
    assert carried == len(texts) > 45


def test_values_that_must_be_carried(both):
    expressions = [(text, BY_NAME[name]) for name, texts in VALUES.items() for text in split(texts)]
    carried, refused = both.compare(expressions)
    assert not refused
    assert carried == len(expressions) > 140


def test_what_is_refused_and_why():
    sql, refused = translate([["check", text] for text in REFUSED])
    for text, one in zip(REFUSED, sql):
        assert one is None, f"{text}: {one}"
    for (_, text), reason in refused:
        assert REFUSED[text] in reason, text


def test_text_of_a_utf16_database_has_another_order():
    texts = ["t < 'b'", "t = 'b'", "u < 'b'", "t LIKE 'b%'", "min(t, q) = t"]
    sql, refused = translate([["check", text] for text in texts], utf16=1)
    assert [one is None for one in sql] == [True, False, False, False, True]
    assert refused[0][1] == "the order of text in UTF-16"


def test_what_a_generated_column_cannot_say():
    """The server evaluates constants before it knows their collation, and a generated column may not refer
    to another one."""
    lines = [["table", "g", -1, 0], ["column", "a", "bigint", "INTEGER"],
             ["column", "b", "boolean", "NUMERIC", "", 0, 1], ["column", "c", "boolean", "NUMERIC"],
             ["generated", 2, "lower('A') = 'a'"], ["generated", 2, "b"], ["generated", 2, "a > 1"],
             ["generated", 2, "CASE WHEN a > 1 THEN 'x' END = 'x'"]]
    assert [answer[:2] for answer in tool(lines)] == [
        ["refused", "an operation on constant text, in a generated column"],
        ["refused", "column b, which is generated itself"], ["sql", '("a" > 1)'],
        ["sql", """(((CASE WHEN ("a" > 1) THEN 'x'::text ELSE NULL END) COLLATE "C") = 'x'::text)"""]]


def test_parts_of_an_index(both):
    texts = split(INDEX_PARTS)
    sql, refused = translate([["index", text, ""] for text in texts])
    assert not refused
    items = []
    for text, one in zip(texts, sql):
        spelled = text.replace("'t'", "t")
        column = text.strip("\"[]`'") in ("t", "u", "w")
        items.append((text, one, spelled if "COLLATE" in text or column else f"{spelled} COLLATE BINARY"))
    both.compare_order(items)


def test_an_index_part_takes_the_collation_that_the_caller_knows():
    sql, _ = translate([["index", "t", "NOCASE"], ["index", "u", "BINARY"], ["index", "lower(t)", "RTRIM"],
                        ["index", "t", "own"], ["index", "a", "own"]])
    assert sql == ['(lower("t" COLLATE "C"))', '"u" COLLATE "C"',
                   '(rtrim(lower("t" COLLATE "C") COLLATE "C", \' \'))', None, '"a"']


def test_a_generated_column_keeps_to_its_types_range():
    cases = [("to_i4", "a"), ("to_i4", "i4 + 1"), ("to_i4", "abs(i4)"), ("to_i2", "i4"), ("to_i2", "-i2"),
             ("to_v5", "t"), ("to_v5", "v5 || 'x'"), ("to_v5", "v5")]
    sql, refused = translate([["generated", NUMBER[name], text] for name, text in cases])
    assert sql == [None] * len(cases)
    assert [reason for _, reason in refused[:3]] == ["an integer that may not fit a column of type integer"] * 3


def test_what_an_index_cannot_be_over():
    texts = ["a + b", "NULL", "o || ''", "random()", "o COLLATE NOCASE", "ma COLLATE own", "t COLLATE own"]
    sql, _ = translate([["index", text, ""] for text in texts])
    assert sql == [None] * len(texts)


# Defaults

def default_in_sqlite(both, column, text):
    """What a default leaves in a row."""
    both.lite.execute("DROP TABLE IF EXISTS z")
    both.lite.execute(f"CREATE TABLE z (v {column.declared} DEFAULT {text}, w)")
    both.lite.execute("INSERT INTO z (w) VALUES (1)")
    return both.lite.execute("SELECT v FROM z").fetchone()[0]


def defaults_in_server(both, defaults):
    """defaults: (column, SQL, form). The same, of many columns in one row."""
    columns = ", ".join(f"v{i} {type_of(column)} DEFAULT {sql}" for i, (column, sql, _) in enumerate(defaults))
    forms = ", ".join(form.format(f"v{i}") for i, (_, _, form) in enumerate(defaults))
    row, = both.rows_of(f"BEGIN; CREATE TABLE z ({columns}); INSERT INTO z DEFAULT VALUES;",
                        f"SELECT {forms} FROM z", "ROLLBACK;")
    return ["NULL" if value is None else value for value in row]


def test_defaults(both):
    cases = [(BY_NAME[name], text) for name, texts in DEFAULTS.items() for text in split(texts)]
    cases.append((BY_NAME["to_text"], "'line\nbreak'"))
    sql, refused = translate([["default", NUMBER[column.name], text] for column, text in cases])
    assert not refused
    values = defaults_in_server(both, [(column, one, form_of(column)) for (column, _), one in zip(cases, sql)])
    for (column, text), one, found in zip(cases, sql, values):
        wanted = shown(column, default_in_sqlite(both, column, text))
        assert same(column, wanted, found), f"{column.declared} DEFAULT {text}\n{one}"


def test_refusals_of_the_clock_name_what_is_asked():
    reasons = {
        "(datetime('now', 'localtime'))": "function datetime() with the modifier 'localtime'",
        "(date('2024-01-01'))": "function date() of anything but 'now'",
        "(date(0))": "function date() of anything but 'now'",
        "(date('now', 1))": "function date() with a modifier",
        "(strftime('%Y'))": None,
        "(strftime())": "function strftime()",
        "(strftime('', 'now'))": "strftime() with a format of other than",
        "(strftime('%e', 'now'))": "strftime() with a format of other than",
        "(strftime('%Y\\', 'now'))": "strftime() with a format of other than",
        "(current_time || rowid)": "a column in a default",
    }
    sql, refused = translate([["default", NUMBER["to_text"], text] for text in reasons])
    found = {request[2]: reason for request, reason in refused}
    for text, reason in reasons.items():
        assert (reason or "") in found.get(text, ""), text
        assert (reason is None) == (text not in found), text


def test_defaults_that_do_not_fit():
    cases = [(name, text) for name, texts in REFUSED_DEFAULTS.items() for text in split(texts)]
    sql, _ = translate([["default", NUMBER[name], text] for name, text in cases])
    for (name, text), one in zip(cases, sql):
        assert one is None, f"{name} DEFAULT {text}: {one}"


CLOCKS = r"""
    CURRENT_TIMESTAMP; current_date; CURRENT_TIME; (datetime('now')); (date('now')); (time('now'));
    (datetime()); (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')); (strftime('%Y-%m-%d %H:%M:%f', 'now'));
    (strftime('%s', 'now')); (unixepoch()); (CAST(strftime('%s', 'now') AS INTEGER));
    (strftime('%s','now') * 1000); (strftime('%j', 'now'))
"""


@pytest.mark.parametrize("name, count", [("to_text", 14), ("to_bigint", 4), ("to_stamp", 9)])
def test_defaults_of_the_clock(both, name, count):
    """What the server says lies between what SQLite says before and after."""
    column = BY_NAME[name]
    texts = split(CLOCKS)
    sql, _ = translate([["default", NUMBER[name], text] for text in texts])
    carried = [(text, one) for text, one in zip(texts, sql) if one is not None]
    assert len(carried) == count
    for text, one in carried:
        for _ in range(5):
            before = default_in_sqlite(both, column, text)
            found, = defaults_in_server(both, [(column, one, "{}")])
            after = default_in_sqlite(both, column, text)
            if before <= after:  # not over midnight
                break
        assert type(before) is (int if name == "to_bigint" else str)
        assert str(before) <= found <= str(after) and len(found) == len(str(before)), f"{text}: {one}"


LITERAL_MOMENTS = {  # and the second since 1970 that each of them is
    "to_date": {"'2024-02-29'": 1709164800, '"1969-12-31"': -86400, "('2000-01-01')": 946684800},
    "to_time": {"'23:59:59'": 86399},
    "to_minute": {"'01:02'": 3720},
    "to_timestamp": {"'1970-01-01 00:00:00'": 0, "'0001-01-01 00:00:00'": -62135596800,
                     "'9999-12-31 23:59:59'": 253402300799},
    "to_timestamptz": {"'1970-01-01 00:00:01'": 1},
    "to_midnight": {"'1970-01-02'": 86400},
    "to_zoned": {"'1970-01-01T00:01:00Z'": 60},
    "to_millis": {"'1970-01-01T00:00:00.250Z'": 0.25, "'1969-12-31T23:59:59.999Z'": -0.001},
    "to_needed": {"'1970-01-01 00:00:00.5'": 0.5, "'1970-01-01 00:00:00'": 0},
    "to_winter": {"'1970-01-01 01:00:00+01:00'": 0},
    "to_unix": {"0": 0, "-1": -1, "'1700000000'": 1700000000, "1700000000.5": 1700000000.5,
                "(60 * 60 * 24)": 86400, "0x10": 16},
    "to_real_unix": {"0": 0, "5": 5, "0.25": 0.25, "'1.5'": 1.5},
    "to_unix_ms": {"0": 0, "1700000000123": 1700000000.123, "-1": -0.001},
    "to_unix_day": {"86400": 86400, "0": 0},
    "to_julian": {"2440587.5": 0, "2440588": 43200},
}


def test_literal_moments(both):
    cases = [(name, text, second) for name, texts in LITERAL_MOMENTS.items() for text, second in texts.items()]
    sql, refused = translate([["default", NUMBER[name], text] for name, text, _ in cases])
    assert not refused
    both.target.script(f"ALTER DATABASE {both.target.name} SET timezone = 'Asia/Kathmandu'")
    found = defaults_in_server(both, [(BY_NAME[name], one, "extract(epoch FROM {})")
                                      for (name, _, _), one in zip(cases, sql)])
    for (name, text, second), one, value in zip(cases, sql, found):
        assert float(value) == second, f"{name} DEFAULT {text}: {one}"


NOW = {  # and what SQLite's moment is a multiple of, in seconds
    "to_date": {"CURRENT_DATE": 86400, "(date('now'))": 86400, "(strftime('%Y-%m-%d', 'now'))": 86400},
    "to_time": {"CURRENT_TIME": 1, "(time())": 1},
    "to_minute": {"(strftime('%H:%M', 'now'))": 60},
    "to_timestamp": {"CURRENT_TIMESTAMP": 1, "(datetime())": 1, "(datetime('NOW'))": 1},
    "to_timestamptz": {"CURRENT_TIMESTAMP": 1},
    "to_midnight": {"CURRENT_DATE": 86400},
    "to_zoned": {"(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))": 1},
    "to_millis": {"(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))": 0.001},
    "to_needed": {"CURRENT_TIMESTAMP": 1},
    "to_unix": {"(unixepoch())": 1, "(strftime('%s', 'now'))": 1, "(CAST(strftime('%s', 'now') AS INT))": 1},
    "to_real_unix": {"(unixepoch('now'))": 1},
    "to_unix_ms": {"(unixepoch() * 1000)": 1, "(strftime('%s', 'now') * 1000)": 1},
    "to_julian": {"(julianday('now'))": 0.001, "(julianday())": 0.001},
}


def test_the_clock_in_columns_of_time(both):
    cases = [(name, text, unit) for name, texts in NOW.items() for text, unit in texts.items()]
    sql, refused = translate([["default", NUMBER[name], text] for name, text, _ in cases])
    assert not refused
    both.target.script(f"ALTER DATABASE {both.target.name} SET timezone = 'Asia/Kathmandu'")
    columns = [(BY_NAME[name], one, "extract(epoch FROM {})") for (name, _, _), one in zip(cases, sql)]
    columns.append((BY_NAME["to_bigint"], "extract(epoch FROM statement_timestamp()) * 1000", "{}"))
    before = time.time()
    *found, _ = map(float, defaults_in_server(both, columns))
    after = time.time()
    for (name, text, unit), one, value in zip(cases, sql, found):
        low, high = (int(moment * 1000) // int(unit * 1000) * int(unit * 1000) / 1000
                     for moment in (before, after))
        if BY_NAME[name].kind == "time":
            low, high = (low % 86400, high % 86400) if low % 86400 <= high % 86400 else (0, 86400)
        assert low <= value <= high, f"{name} DEFAULT {text}: {one}"
        assert value * 1000 % (unit * 1000) == 0, f"{name} DEFAULT {text}: {one}"


def test_the_julian_day_of_now(both):
    column = BY_NAME["to_double"]
    (one,), _ = translate([["default", NUMBER["to_double"], "(julianday('now'))"]])
    before = default_in_sqlite(both, column, "(julianday('now'))")
    found, = map(float, defaults_in_server(both, [(column, one, "{}")]))
    assert before <= found <= default_in_sqlite(both, column, "(julianday('now'))")


def test_a_default_of_the_clock_is_not_immutable():
    to_text = NUMBER["to_text"]
    answers = tool([*described(), ["default", to_text, "CURRENT_TIMESTAMP"], ["default", to_text, "'x'"]])
    assert [answer[2] for answer in answers] == ["0", "1"]


# At random

def report(carried, refused, count):
    reasons = collections.Counter(why for _, why in refused)
    print(f"{carried} of {count} carried over;", reasons.most_common(25))


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_random_conditions(target, rng, encoding):
    count = COUNT if encoding == "UTF-8" else COUNT // 3
    carried, refused = Both(target, rng, encoding).compare_conditions(Maker(rng).many("condition", count))
    report(carried, refused, count)
    assert carried > count // 2


def test_random_values(both, rng):
    kinds = {"to_bigint": "integer", "to_any_bigint": "integer", "to_double": "real", "to_number": "real",
             "to_any_double": "real", "to_boolean": "condition", "to_text": "text", "to_stamp": "text",
             "to_any_text": "text", "to_bytea": "blob", "to_numeric": "integer", "to_mixed": "text"}
    maker = Maker(rng)
    expressions = []
    for name in rng.choices(list(kinds), weights=[6, 1, 6, 3, 2, 3, 8, 1, 2, 2, 2, 1], k=COUNT):
        kind = kinds[name] if rng.random() < 0.9 else rng.choice(list(kinds.values()))
        expressions += [(text, BY_NAME[name]) for text in maker.many(kind, 1)]
    carried, refused = both.compare(expressions)
    report(carried, refused, COUNT)
    assert carried > COUNT // 3


def test_random_index_parts(both, rng):
    maker = Maker(rng)
    texts = [text for kind in ("integer", "text", "condition", "real")
             for text in maker.many(kind, COUNT // 20)]
    sql, refused = translate([["index", text, ""] for text in texts])
    carried = [(text, one) for text, one in zip(texts, sql) if one is not None]
    report(len(carried), refused, len(texts))
    items = []
    for text, one in carried:
        try:
            both.lite.execute("DROP INDEX IF EXISTS probe")
            both.lite.execute(f"CREATE INDEX probe ON e ({text})")
        except sqlite3.OperationalError:
            continue  # no index in SQLite either: over a literal, or abs() of the least integer
        collation, name = both.lite.execute(
            "SELECT coll, name FROM pragma_index_xinfo('probe') WHERE seqno = 0").fetchone()
        key = quote(name) if name else f"({text})"  # 'x' is a column here
        items.append((text, one, f"{key} COLLATE {collation}"))
    both.compare_order(items)
    assert len(items) > len(texts) // 2


def test_noise_means_the_same_where_it_means_anything(both, rng):
    """Short strings of tokens, most of them nonsense: what the translation takes, SQLite has to take, and to
    mean the same by."""
    tokens = ["a", "b", "k", "f", "t", "'a'", "1", "2", "-", "+", "*", "/", "%", "=", "<", ">=", "AND", "OR",
              "NOT", "IS", "NULL", "IN (1, 2)", "BETWEEN", "LIKE 'a%'", "||", "&", "|", "~", "(", ")", "ISNULL",
              "COLLATE NOCASE", "IS NOT", "<<", "TRUE"]
    texts = sorted({" ".join(rng.choices(tokens, k=rng.randrange(3, 9))) for _ in range(COUNT * 10)})
    sql, _ = translate([["check", text] for text in texts])
    taken = [text for text, one in zip(texts, sql) if one is not None]
    carried, _ = both.compare_conditions(taken)
    assert carried == len(taken) > COUNT // 30


def test_hostile_text_is_refused_in_peace(rng):
    deep = ["(" * 5000 + "1" + ")" * 5000, "NOT " * 5000 + "1", "-" * 5000 + "1", "a" + " + 1" * 5000,
            "CASE WHEN " * 3000, "a AND " * 3000 + "a", "abs(" * 4000, "a IN (" + "1, " * 6000 + "1)",
            "'" + "x" * 100000, "a = " + "9" * 100000, "1e" + "9" * 5000 + " = a",
            "nullif(" * 60 + "t" + ", t)" * 60, "a = [" + "é" * 5000 + "]"]
    tokens = ["a", "t", "f", "(", ")", ",", "'x'", "1", "1.5", "AND", "OR", "NOT", "=", "<", "IS", "NULL", "IN",
              "BETWEEN", "LIKE", "GLOB", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST", "AS", "TEXT", "COLLATE",
              "NOCASE", "||", "-", "~", "x'00'", '"', "'", "[", "/*", "--", "\n", ".", "ESCAPE", "->", "DISTINCT",
              "FROM", "lower", "coalesce", "\x7f", "é", "?", ";"]
    noise = [" ".join(rng.choices(tokens, k=rng.randrange(1, 25))) for _ in range(4000)]
    cut = [text[:rng.randrange(len(text) + 1)] for text in split(CONDITIONS)]
    sql, refused = translate([["check", text] for text in deep])
    assert sql == [None] * len(deep)
    assert all(len(reason) < 300 for _, reason in refused)
    lines = [line for text in (*deep, *noise, *cut) for line in (
        ["check", text], ["index", text, ""], ["default", NUMBER["to_text"], text],
        ["generated", NUMBER["to_text"], text], ["create_table", text], ["create_index", text],
        ["create_table", f"CREATE TABLE t (a {text})"], ["create_index", f"CREATE INDEX i ON t ({text})"])]
    tool([*described(), *lines])
