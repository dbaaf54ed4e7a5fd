"""SQLite's expressions carried over to PostgreSQL, judged by both (see expressions.py): those that must
be carried, those that must be refused, and thousands at random.

The seed of a run is printed when a test fails; ROWFERRY_SEED repeats it, and ROWFERRY_EXPRESSIONS says how
many of each kind.
"""

import collections
import datetime
import os
import random
import sqlite3

import pytest

from expressions import (BY_NAME, NUMBER, Both, Maker, described, form_of, same, shown, tool,
                         translate, type_of)
from postgres import literal, quote

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
a<-1; a-1>0; a- -1>0; t = 1.5; t IN (0.1, 100.0); 1.5 || '' = '1.5'; e.rowid > 0;
length(1e-5) = 7; t LIKE 1.0; substr(t, 2, 2147483647) = 'bc'; substr(t, 2147483647, 2147483647) = '';
1000000.0 || 'x' = '1000000.0x'; "rowid " = t
"""

VALUES = {
    "to_bigint": r"""a; a % 10; length(t) * 60 * 60; a & 255; length(t); coalesce(a, 0); f; f + 1;
        a > b; '5'; '007'; 5.0; CAST(r AS INTEGER); CAST(a AS INT); -(a % 7); abs(a >> 1);
        CASE WHEN f THEN k ELSE -1 END; a / 2; a >> 1; ~a; instr(t, 'a'); NULL; TRUE;
        iif(f, a, b); max(a, b); nullif(a, 0); 60 * 60 * 24; a / 10 % 2; k << 4; a % b; id; rowid;
        ifnull(a, b); t IS NULL; a | b; 0x7fffffffffffffff; -9223372036854775808; CAST(a AS TEXT);
        '9223372036854775807'""",
    "to_any_bigint": r"""a; length(t) + 1; f; length(t)""",
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
    "to_date": r"""NULL""",
}

REFUSED_DEFAULTS = {
    "to_bigint": r"""'abc'; 1.5; x'00'; ''; CURRENT_TIMESTAMP; (random()); '1e400';
        99999999999999999999; abc; (datetime('now', 'localtime'))""",
    "to_double": r"""'abc'; ''; x'00'; 1e999""",
    "to_boolean": r"""2; 'true'; 't'; -1; 0.5""",
    "to_text": r"""x'00'; ('a' < 'b'); (hex(randomblob(16))); (strftime('%W', 'now'));
        (datetime('now', '+1 day')); (unknown('x')); 9999999999999999999""",
    "to_any_text": r"""5""",
    "to_stamp": r"""5; '5'; 0""",
    "to_bytea": r"""'abc'; 0""",
    "to_numeric": r"""'x'; x'00'""",
    "to_mixed": r"""'5'; 'Inf'; '1.0e+20'""",
    "to_date": r"""'2020-02-30'; 'x'; 0; CURRENT_TIMESTAMP""",
    "to_timestamp": r"""'2020-01-01'; CURRENT_DATE; '2020-01-01 24:00:00'""",
}

INDEX_PARTS = r"""
    a; t; u; w; "t"; [u]; `w`; 't'; 't' COLLATE NOCASE; t COLLATE NOCASE; u COLLATE BINARY;
    lower(t); lower(t) COLLATE RTRIM; a % 10; coalesce(a, 0); t || q; length(t); f; f AND g; r;
    abs(r); x; a IS NULL; upper(u); (t) COLLATE NOCASE; substr(t, 1, 2); CAST(a AS TEXT); n; d; c;
    trim(t) COLLATE NOCASE; a & 7; -length(t); CASE WHEN f THEN t END
"""


def test_conditions_that_must_be_carried(both):
    texts = split(CONDITIONS) + ["a = 1 /* yes */ AND -- no\n b = 2", "t LIKE '%\n%'", "t GLOB '*[\n\t]*'"]
    carried, refused = both.compare_conditions(texts)
    assert not refused
    assert carried == len(texts) > 360


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


def test_what_an_index_cannot_be_over():
    texts = ["a + b", "NULL", "o || ''", "random()"]
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


def test_moments_in_columns_of_time(both):
    cases = [("to_date", "CURRENT_DATE"), ("to_date", "(date('now'))"), ("to_date", "'2024-02-29'"),
             ("to_timestamp", "CURRENT_TIMESTAMP"), ("to_timestamp", "'1970-01-01 00:00:00'"),
             ("to_timestamptz", "CURRENT_TIMESTAMP"), ("to_timestamptz", "'1970-01-01 00:00:00'")]
    sql, refused = translate([["default", NUMBER[name], text] for name, text in cases])
    assert not refused
    both.target.script(f"ALTER DATABASE {both.target.name} SET timezone = 'Asia/Kathmandu'")
    for (name, text), one in zip(cases, sql):
        before = datetime.datetime.utcnow().replace(microsecond=0)
        found, = map(float, defaults_in_server(both, [(BY_NAME[name], one, "extract(epoch FROM {})")]))
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=int(found))
        assert found == int(found)
        if text.startswith("'"):
            assert str(moment).startswith(text.strip("'"))
        else:
            start = before.replace(hour=0, minute=0, second=0) if name == "to_date" else before
            assert start <= moment <= datetime.datetime.utcnow()


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


# Statements

TABLE = '''CREATE TABLE "the ""table"""(
  id INTEGER CONSTRAINT pk PRIMARY KEY AUTOINCREMENT, -- DEFAULT 1
  [a b] TEXT DEFAULT 'x''y' CONSTRAINT [ck 1] CHECK (length("a b") < 10 /* ) */) NOT NULL ON CONFLICT FAIL,
  `c` DECIMAL(10, 2) DEFAULT (1 + (2)) CHECK("c">0)COLLATE nocase,
  'd' generated TEXT UNIQUE ON CONFLICT REPLACE DEFAULT -5,
  e GENERATED ALWAYS AS (c * 2) STORED, f INT AS (d || ')') VIRTUAL, g AS (')' || "x)") ,
  h REFERENCES p(x) ON DELETE SET DEFAULT ON UPDATE NO ACTION MATCH FULL NOT DEFERRABLE INITIALLY DEFERRED,
  i REFERENCES p DEFERRABLE INITIALLY DEFERRED NULL, left DEFAULT CURRENT_TIMESTAMP, key DEFAULT +1.5e3,
  "check" DEFAULT "q""q", begin DEFAULT x'00ff',
  CONSTRAINT fk FOREIGN KEY (c, 'd') REFERENCES p(x, y) ON DELETE CASCADE DEFERRABLE
  CONSTRAINT u UNIQUE (c, d) ON CONFLICT IGNORE, CHECK (a <> ','), CONSTRAINT last CHECK (i IN (1, 2))
  CHECK (e), PRIMARY KEY (id, c DESC)
) WITHOUT ROWID, STRICT'''


def test_a_table_of_everything():
    assert tool([["create_table", TABLE]]) == [
        ["column", "id", "", "", "0"],
        ["column", "a b", "'x''y'", "", "0"],
        ["column", "c", "1 + (2)", "", "0"],
        ["column", "d", "-5", "", "0"],
        ["column", "e", "", "c * 2", "1"],
        ["column", "f", "", "d || ')'", "0"],
        ["column", "g", "", "')' || \"x)\"", "0"],
        ["column", "h", "", "", "0"],
        ["column", "i", "", "", "0"],
        ["column", "left", "CURRENT_TIMESTAMP", "", "0"],
        ["column", "key", "+1.5e3", "", "0"],
        ["column", "check", '"q""q"', "", "0"],
        ["column", "begin", "x'00ff'", "", "0"],
        ["check", "ck 1", 'length("a b") < 10 /* ) */', "1"],
        ["check", "", '"c">0', "2"],
        ["check", "", "a <> ','", "-1"],
        ["check", "last", "i IN (1, 2)", "-1"],
        ["check", "last", "e", "-1"],
        ["foreign_key", "", "p", "00", "h"],
        ["foreign_key", "", "p", "11", "i"],
        ["foreign_key", "fk", "p", "10", "c", "d"],
        [""]]


def test_an_index_of_everything():
    sql = """CREATE UNIQUE INDEX IF NOT EXISTS main."i x" ON [t](a, "b" DESC, lower(c) COLLATE NOCASE asc,
             (d || ',') desc, desc, 'q') /* ? */ WHERE x > 1 AND ")" -- end"""
    assert tool([["create_index", sql]]) == [
        ["part", "a", "0"], ["part", '"b"', "1"], ["part", "lower(c) COLLATE NOCASE", "0"],
        ["part", "(d || ',')", "1"], ["part", "desc", "0"], ["part", "'q'", "0"],
        ["where", 'x > 1 AND ")"'], [""]]


def test_what_is_no_statement():
    tables = ["CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE TABLE t", "CREATE TABLE t(", "CREATE TABLE t()",
              "CREATE TABLE t(a,)", "CREATE VIEW v AS SELECT 1", "", "CREATE TABLE t(a CHECK (1)",
              "CREATE TABLE t(a DEFAULT)", "CREATE TABLE t(a DEFAULT 'x)"]
    indexes = ["CREATE INDEX i ON t(", "CREATE INDEX i ON t()", "CREATE INDEX i ON t(a,)",
               "CREATE INDEX i ON t(a) nonsense", "CREATE INDEX i", ""]
    lines = [["create_table", sql] for sql in tables] + [["create_index", sql] for sql in indexes]
    for line, found in zip(lines, blocks(tool(lines))):
        assert found[0][0] == "refused", line


def blocks(lines):
    """The answers to statements, each ended by an empty line."""
    block = []
    for line in lines:
        if line == [""]:
            yield block
            block = []
        else:
            block.append(line)


class Spelling:
    """Writes a CREATE TABLE that SQLite takes, as oddly as it gets."""

    NAMES = ["a", "B", "order", "a b", "check", "key", "left", "it's", 'q"q', "x]y", "`", "ü", "select",
             "generated", "always", "replace", "desc", "end", "if"]
    BARE = ["a", "B", "key", "left", "ü", "replace", "desc", "end", "if", "generated", "always"]
    TYPES = ["", "INTEGER", "VARCHAR (10)", "DECIMAL(10,2)", '"odd type"', "LONG INT", "TEXT"]
    VALUES = ["1", "-1", "'x)'", "(1 + (2))", "NULL", "CURRENT_TIME", '"s"', "x'00'", "TRUE", "1e5"]
    SPACES = [" ", " ", "\n", "\t ", " /* CHECK ( */ ", " -- ) ,\n", "  "]

    def __init__(self, rng):
        self.rng = rng
        self.checks = 0
        self.names = rng.sample(self.NAMES, rng.randint(1, 6))

    def name(self, name):
        forms = [quote(name), literal(name), "`" + name.replace("`", "``") + "`"]
        forms += [f"[{name}]"] if "]" not in name else []
        return self.rng.choice(forms + ([name] if name in self.BARE else []))

    def extras(self, choices, most):
        chosen = self.rng.sample(choices, self.rng.randint(0, most))
        self.checks += sum("CHECK" in extra for extra in chosen)
        return chosen

    def column(self, name):
        deferrable = self.rng.choice(["", "DEFERRABLE INITIALLY DEFERRED", "NOT DEFERRABLE"])
        return [self.name(name), self.rng.choice(self.TYPES), *self.extras([
            "NOT NULL", "DEFAULT " + self.rng.choice(self.VALUES), "CONSTRAINT n1 CHECK (1 OR ')' <> '(')",
            f"CHECK ({quote(name)} IS NOT 'x')", "COLLATE " + self.rng.choice(["NOCASE", '"RTRIM"']),
            f"REFERENCES p (z) ON DELETE SET NULL {deferrable}", "UNIQUE", "UNIQUE ON CONFLICT REPLACE"], 4)]

    def generated(self, number):
        return [f"made{number}", self.rng.choice(["", "INT"]), self.rng.choice(["", "GENERATED ALWAYS"]), "AS",
                f"({quote(self.names[0])} || ')')", self.rng.choice(["", "STORED", "VIRTUAL"])]

    def spaced(self, words):
        """With anything that counts as space between the words; quoted spaces stay as they are."""
        return "".join(word + self.rng.choice(self.SPACES) for word in words if word)

    def table(self):
        parts = [self.spaced(self.column(name)) for name in self.names]
        parts += [self.spaced(self.generated(number)) for number in range(self.rng.randint(0, 2))]
        parts += [self.spaced([extra]) for extra in self.extras([
            "CHECK (1)", 'CONSTRAINT "n 2" CHECK (2 > (1))', f"UNIQUE ({self.name(self.names[0])})",
            f"FOREIGN KEY ({quote(self.names[-1])}) REFERENCES p(z) DEFERRABLE INITIALLY DEFERRED"], 3)]
        return self.spaced(["CREATE TABLE", self.name("t"), "(" + ",".join(parts) + ")"])


def test_random_tables_against_the_pragmas(rng):
    texts, wanted = [], []
    for _ in range(1000):
        spelling = Spelling(rng)
        sql = spelling.table()
        lite = sqlite3.connect(":memory:")
        lite.execute("CREATE TABLE p (z PRIMARY KEY)")
        lite.execute(sql)
        columns = lite.execute("SELECT name, coalesce(dflt_value, ''), hidden > 0, hidden = 3 "
                               "FROM pragma_table_xinfo('t') ORDER BY cid").fetchall()
        parents = lite.execute('SELECT "from" FROM pragma_foreign_key_list(\'t\') ORDER BY id DESC').fetchall()
        stored, = lite.execute("SELECT sql FROM sqlite_schema WHERE name = 't'").fetchone()
        texts += [sql, stored]
        wanted += [(columns, [name for name, in parents], spelling.checks)] * 2
        lite.close()
    found = list(blocks(tool([["create_table", text] for text in texts])))
    assert len(found) == len(texts)
    for text, lines, (columns, parents, checks) in zip(texts, found, wanted):
        assert [(line[1], line[2], int(line[3] != ""), int(line[4])) for line in lines
                if line[0] == "column"] == columns, text
        assert [line[4] for line in lines if line[0] == "foreign_key"] == parents, text
        assert sum(line[0] == "check" for line in lines) == checks, text
