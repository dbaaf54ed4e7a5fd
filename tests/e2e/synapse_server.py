"""A made-up Matrix homeserver's SQLite database, of any size, and what becomes of it in a day.

    python3 tests/e2e/synapse_server.py --schema homeserver-fresh.db --size 1 --seed 1 FOLDER

writes server-1.db, and made from it server-2.db (events, a deactivated user, a changed password, a
purged room, censored events, refreshed tokens, rows put back under their old unique key) and
server-3.db (the newest room purged, then as many new events, so that rowids are handed out again).

The schema is whatever the file given has: rooms, users, devices and events are made first, and the
other tables are filled from what they declare, a column by its name and type, a foreign key from
its parent, a unique index without doubles. So the same code fills the whole schema of a Synapse and
the few tables of it that the tests have. Size 1 is a server of some 780,000 rows.

Everything comes from the seed. Values are as unpleasant as those of servers that ran for years:
NULL booleans, NUL and invalid UTF-8 in texts, emoji, backslashes in blobs, events of 60 KB, tokens
that refer to each other. With `misfits` there are also blobs in text columns and numbers that an
integer column of PostgreSQL cannot hold.
"""

import argparse
import json
import random
import shutil
import sqlite3
from collections import defaultdict
from pathlib import Path

DOMAIN = "example.org"
NOW = 1_790_000_000_000
WORDS = ("water river ferry boat Rope anchor tide Hafen größer naïve 渡し船 🚢 running engines "
         "engine runs the a of it's \\o/ a\\b 'quoted' don\"t tab\there line\nbreak").split(" ")

# Rows of a server of size 1, where it is not one row in ten that a table gets.
ROWS = {
    "users": 300, "devices": 1_300, "rooms": 260, "events": 56_000, "access_tokens": 560,
    "refresh_tokens": 240, "account_data": 1_100, "destinations": 9_300,
    "destination_rooms": 74_000, "device_federation_inbox": 9_300,
    "device_federation_outbox": 9_300, "device_inbox": 2_600, "device_lists_remote_cache": 5_700,
    "device_lists_changes_in_room": 1_400, "device_lists_outbound_pokes": 1_700,
    "device_lists_remote_extremeties": 3_700, "device_lists_stream": 560,
    "e2e_device_keys_json": 560, "e2e_fallback_keys_json": 560, "e2e_one_time_keys_json": 21_000,
    "e2e_room_keys": 23_000, "e2e_cross_signing_keys": 800, "event_auth": 184_000,
    "event_push_actions": 7_500, "event_txn_id_device_id": 4_400, "event_relations": 4_500,
    "local_media_repository": 2_400, "local_media_repository_thumbnails": 9_300,
    "presence_stream": 2_100, "receipts_graph": 3_300, "receipts_linearized": 3_300,
    "received_transactions": 2_800, "redactions": 1_400, "remote_media_cache": 2_300,
    "remote_media_cache_thumbnails": 4_600, "server_keys_json": 9_300,
    "server_signature_keys": 9_300, "stream_ordering_to_exterm": 13_000,
    "user_daily_visits": 4_300, "user_directory": 3_700, "user_ips": 1_500,
    "user_filters": 280, "event_auth_chain_links": 8_800, "room_account_data": 500,
    "sliding_sync_connection_room_configs": 740, "sliding_sync_connection_streams": 740,
}
LEAST = {"users": 12, "rooms": 5, "events": 150, "destinations": 8, "user_directory": 12,
         "refresh_tokens": 9, "access_tokens": 9}
# Tables with the one row, or the rows, that a new server has; and what a search index keeps.
STANDING = ("applied_schema_deltas", "applied_module_schemas", "background_updates",
            "schema_version", "schema_compat_version", "stream_positions",
            "federation_stream_position", "worker_read_write_locks",
            "worker_read_write_locks_mode", "scheduled_tasks", "instance_map")
MADE = ("users", "devices", "rooms", "destinations", "events", "event_json", "event_edges",
        "state_events", "room_memberships", "current_state_events", "current_state_delta_stream",
        "local_current_membership", "event_to_state_groups", "state_groups", "state_group_edges",
        "state_groups_state", "event_search", "user_directory", "user_directory_search",
        "refresh_tokens", "access_tokens", "redactions", "event_auth_chains")
# A stream, and the column whose numbers it hands out.
STREAMS = (
    ("events", "events", "stream_ordering"), ("receipts", "receipts_linearized", "stream_id"),
    ("account_data", "account_data", "stream_id"), ("to_device", "device_inbox", "stream_id"),
    ("presence_stream", "presence_stream", "stream_id"), ("pushers", "pushers", "id"),
    ("push_rules_stream", "push_rules_stream", "stream_id"),
    ("device_lists_stream", "device_lists_stream", "stream_id"),
    ("e2e_cross_signing_keys", "e2e_cross_signing_keys", "stream_id"),
    ("thread_subscriptions", "thread_subscriptions", "stream_id"),
    ("sticky_events", "sticky_events", "stream_id"),
    ("un_partial_stated_room_stream", "un_partial_stated_room_stream", "stream_id"),
    ("un_partial_stated_event_stream", "un_partial_stated_event_stream", "stream_id"),
)


class Table:
    """What a table declares."""

    def __init__(self, db, name):
        self.name = name
        self.columns = [(row[1], row[2].upper(), bool(row[3]), bool(row[5]))
                        for row in db.execute(f'PRAGMA table_info("{name}")')]
        self.names = [column[0] for column in self.columns]
        key = [row[1] for row in sorted(db.execute(f'PRAGMA table_info("{name}")'),
                                        key=lambda row: row[5]) if row[5]]
        self.rowid = key[0] if len(key) == 1 and self.declared(key[0]) == "INTEGER" else None
        self.uniques = [key] if key else []
        for index in db.execute(f'PRAGMA index_list("{name}")').fetchall():
            if index[2]:
                self.uniques.append([row[2] for row in
                                     db.execute(f'PRAGMA index_info("{index[1]}")')])
        self.parents = {}
        for row in db.execute(f'PRAGMA foreign_key_list("{name}")'):
            self.parents[row[3]] = (row[2], row[4] or row[3])
        self.seen = [set(db.execute("SELECT {} FROM {}".format(
            ", ".join(f'"{c}"' for c in unique), f'"{name}"'))) for unique in self.uniques]

    def declared(self, column):
        return next(c[1] for c in self.columns if c[0] == column)

    def takes(self, row):
        """Whether no row has the same key; then it is noted."""
        keys = [tuple(row[c] for c in unique) for unique in self.uniques]
        if any(None not in key and key in seen for key, seen in zip(keys, self.seen)):
            return False
        for key, seen in zip(keys, self.seen):
            seen.add(key)
        return True


class Server:
    """The database under way. Every table is there or not: what is not is not filled."""

    def __init__(self, path, seed, size, misfits=False):
        self.random = random.Random(seed)
        self.size = size
        self.misfits = misfits
        self.db = sqlite3.connect(path)
        self.db.isolation_level = None
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("PRAGMA foreign_keys = OFF")
        self.db.execute("BEGIN")
        found = self.db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' "
                                "AND name NOT LIKE 'sqlite_%'").fetchall()
        self.virtual = {name for name, sql in found if sql.upper().startswith("CREATE VIRTUAL")}
        self.tables = {name: Table(self.db, name) for name, _ in found
                       if name not in self.virtual
                       and not any(name.startswith(v + "_") for v in self.virtual)}
        self.numbers = defaultdict(int)
        self.pools = {}
        self.remember()

    def remember(self):
        """What rows of other tables may refer to."""
        self.users = self.column("users", "name")
        self.rooms = self.column("rooms", "room_id")
        self.events = self.db.execute(
            "SELECT stream_ordering, event_id, room_id, type, sender, state_key, "
            "topological_ordering FROM events ORDER BY stream_ordering").fetchall()
        self.by_room = defaultdict(list)
        for event in self.events:
            self.by_room[event[2]].append(event)
        self.devices = self.db.execute("SELECT user_id, device_id FROM devices").fetchall()
        self.numbers["events"] = max([e[0] for e in self.events] or [1])
        self.numbers["state"] = self.top("state_groups", "id")
        self.numbers["serial"] = self.numbers["serial"] or self.numbers["events"] * 10

    def column(self, table, column):
        if table not in self.tables:
            return []
        return [row[0] for row in
                self.db.execute(f'SELECT "{column}" FROM "{table}" ORDER BY rowid')]

    def top(self, table, column):
        if table not in self.tables:
            return 0
        return self.db.execute(f'SELECT max("{column}") FROM "{table}"').fetchone()[0] or 0

    def next(self, name):
        self.numbers[name] += 1
        return self.numbers[name]

    def wanted(self, table):
        return max(LEAST.get(table, 3), round(ROWS.get(table, 150) * self.size))

    # Values

    def text(self, least=1, most=12):
        return " ".join(self.random.choices(WORDS, k=self.random.randint(least, most)))

    def token(self, length=16):
        return f"{self.random.getrandbits(length * 4):0{length}x}"

    def user(self):
        if self.random.random() < 0.6 and self.users:
            return self.random.choice(self.users)
        return f"@remote{self.random.randrange(4000)}:{self.host()}"

    def host(self):
        return f"matrix{self.random.randrange(400)}.example.com"

    def flag(self, nullable):
        return self.random.choice((0, 1, 1, None) if nullable else (0, 1))

    def document(self):
        return json.dumps({"body": self.text(), "n": self.random.randrange(1 << 40),
                           "z\u00fc": [True, None, 1.5]}, ensure_ascii=self.random.random() < 0.5)

    def blob(self):
        return b'{"a": "\\\\x41\\n"}' + self.random.randbytes(self.random.randint(0, 40))

    def value(self, column, row):
        """Something for a column that nothing else is known of; `row` is what is there so far."""
        name, declared, required, key = column
        if "BOOL" in declared:
            return self.flag(not required)
        if "BYTEA" in declared or "BLOB" in declared:
            return self.blob() if required or self.random.random() < 0.9 else None
        if name.lower() == "lock":
            return "X"
        named = {
            "user_id": self.user, "user_name": self.user, "sender": self.user,
            "room_id": lambda: self.random.choice(self.rooms), "instance_name": lambda: "master",
            "device_id": lambda: "D" + self.token(6), "destination": self.host,
            "origin": self.host, "server_name": self.host, "fields": self.document,
            "thread_id": lambda: "main", "full_user_id": self.user,
        }.get(name.lower())
        if named:
            return named()
        if not required and not key and self.random.random() < 0.15:
            return None
        if name in ("stream_id", "id", "state_group", "version") or key and "INT" in declared:
            return self.next("serial")
        if "SMALLINT" in declared:
            return self.random.randrange(3)
        if "BIGINT" in declared or declared == "INTEGER" and name.endswith("ordering"):
            return NOW + self.random.randrange(-10**10, 10**10)
        if "INT" in declared:
            return self.random.randrange(-5, 5000)
        if "json" in name.lower() or name in ("content", "auth_data", "keydata", "data"):
            return self.document()
        if "VARCHAR" in declared:
            return self.token(5)
        if self.random.random() < 0.5:
            return f"{name}{self.token(10)}"
        return self.text(1, 6)

    # Rows

    def insert(self, table, rows):
        rows = list(rows)
        if rows:
            names = list(rows[0])
            self.db.executemany(
                'INSERT INTO "{}" ({}) VALUES ({})'.format(
                    table, ", ".join(f'"{n}"' for n in names), ", ".join("?" * len(names))),
                [[row[name] for name in names] for row in rows])

    def add(self, table, **known):
        """One row, where the table is there: what is known of it, and the rest by its columns."""
        found = self.tables.get(table)
        if found is None:
            return None
        row = {}
        for column in found.columns:
            if column[0] in known:
                row[column[0]] = known[column[0]]
            elif column[0] != found.rowid:
                row[column[0]] = self.value(column, row)
        if not found.takes({**{c: None for c in found.names}, **row}):
            return None
        self.insert(table, [row])
        return row

    def fill(self, table):
        """A table that nothing special is known of."""
        found = self.tables[table]
        for column, (parent, _) in found.parents.items():
            if parent not in self.tables:
                return
        parents = {column: self.column(parent, name)
                   for column, (parent, name) in found.parents.items() if parent != "events"}
        events = {c: name for c, (parent, name) in found.parents.items() if parent == "events"}
        events |= {c: "event_id" for c in ("event_id", "membership_event_id", "join_event_id")
                   if c in found.names}
        if any(not values for values in parents.values()):
            return
        rows, tries, wanted = 0, 0, self.wanted(table)
        if "Lock" in found.names:
            wanted = 0 if self.db.execute(f'SELECT 1 FROM "{table}"').fetchone() else 1
        while rows < wanted and tries < 3 * wanted + 20:
            tries += 1
            known = {c: self.random.choice(values) for c, values in parents.items()}
            if events:
                event = self.random.choice(self.by_room.get(known.get("room_id")) or self.events)
                known |= self.about_event(found, event, events)
            if {"user_id", "device_id"} <= set(found.names):
                known["user_id"], known["device_id"] = self.random.choice(self.devices)
            rows += self.add(table, **known) is not None

    def about_event(self, table, event, columns):
        """What a table's row says of an event; `columns` name it by its id or its number."""
        number, event_id, room, kind, sender, state_key, depth = event
        known = {"room_id": room, "sender": sender, "type": kind, "state_key": state_key or "",
                 "event_stream_ordering": number, "stream_ordering": number,
                 "topological_ordering": depth,
                 **{c: event_id if name == "event_id" else number for c, name in columns.items()}}
        return {name: value for name, value in known.items() if name in table.names}

    # What a server is

    def make(self):
        for _ in range(self.wanted("users")):
            self.add_user()
        self.remember()
        for _ in range(self.wanted("rooms")):
            self.add_room()
        for _ in range(self.wanted("destinations")):
            self.add("destinations", destination=f"matrix{self.next('host')}.example.com")
        self.remember()
        self.add_events(self.wanted("events"))
        self.add_room()
        for _ in range(max(12, self.wanted("events") // 30)):
            self.add_event(self.rooms[-1], "m.room.message", None)
        for _ in range(self.wanted("user_directory")):
            self.add_to_directory()
        self.add_tokens()
        for table in sorted(self.tables, key=self.rank):
            if table not in MADE and table not in STANDING:
                self.fill(table)
        self.add_redactions()
        self.unpleasant()
        self.note_streams()
        self.commit()

    def rank(self, table, depth=0):
        """Parents go first."""
        parents = [p for p, _ in self.tables[table].parents.values()
                   if p in self.tables and p != table]
        return max([self.rank(p, depth + 1)[0] + 1 for p in parents if depth < 9] or [0]), table

    def add_user(self):
        number = self.next("user")
        name = f"@{number}:{DOMAIN}" if number % 9 == 0 else f"@user{number}:{DOMAIN}"
        self.add("users", name=name, password_hash=f"$2b${self.token(40)}",
                 creation_ts=NOW // 1000 - number, deactivated=0, is_guest=0, admin=0)
        for device in range(self.random.randint(1, 7)):
            self.add("devices", user_id=name, device_id=f"DEV{number}X{device}",
                     display_name=self.text(1, 3))
        return name

    def add_room(self):
        number = self.next("room")
        room = f"!room{number}:{DOMAIN}"
        self.add("rooms", room_id=room, creator=self.random.choice(self.users),
                 room_version="10", is_public=int(number % 7 == 0))
        self.rooms.append(room)

    def add_events(self, count):
        """Each of the rooms begins with its state; the older ones are busier."""
        for _ in range(count):
            room = self.rooms[min(int(self.random.expovariate(8 / len(self.rooms))),
                                  len(self.rooms) - 1)]
            if len(self.by_room[room]) < 8:
                kind, state_key = ("m.room.create", "") if not self.by_room[room] else \
                    ("m.room.member", self.random.choice(self.users))
            elif self.random.random() < 0.05:
                kind, state_key = "m.room.member", self.user()
            else:
                kind, state_key = self.random.choice(
                    ("m.room.message", "m.room.message", "m.room.encrypted", "m.reaction")), None
            self.add_event(room, kind, state_key)

    def add_event(self, room, kind, state_key):
        before = self.by_room[room]
        number = self.next("events")
        event_id = f"${self.token(32)}{number}"
        sender = state_key if kind == "m.room.member" else self.random.choice(self.users)
        body = self.text(5, 180)
        if number % 4001 == 0:
            body = self.text(1, 5) + self.token(10) * 6000
        content = {"body": body, "msgtype": "m.text", "membership": "join"}
        if number % 2 == 0:
            content["formatted_body"] = f"<p>{body}</p>"
        event = (number, event_id, room, kind, sender, state_key, len(before) + 1)
        self.add("events", stream_ordering=number, topological_ordering=event[6],
                 event_id=event_id, type=kind, room_id=room, content=None, processed=1,
                 outlier=int(number % 50 == 0), depth=event[6], origin_server_ts=NOW + number,
                 received_ts=NOW + number + 7, sender=sender, state_key=state_key,
                 unrecognized_keys=None, rejection_reason=None)
        self.add("event_json", event_id=event_id, room_id=room, format_version=3,
                 internal_metadata=json.dumps({"stream_ordering": number, "token_id": number % 7}),
                 json=json.dumps({"auth_events": [e[1] for e in before[:4]], "type": kind,
                                  "prev_events": [e[1] for e in before[-1:]], "sender": sender,
                                  "hashes": {"sha256": self.token(43)}, "depth": event[6],
                                  "signatures": {DOMAIN: {"ed25519:a": self.token(86)}},
                                  "content": content}, ensure_ascii=number % 3 == 0))
        for earlier in before[-1:]:
            self.add("event_edges", event_id=event_id, prev_event_id=earlier[1], room_id=None,
                     is_state=0)
        self.add("event_auth_chains", event_id=event_id, chain_id=number, sequence_number=1)
        if kind == "m.room.message" and "event_search" in self.virtual:
            self.db.execute("INSERT INTO event_search (event_id, room_id, key, value) "
                            "VALUES (?, ?, 'content.body', ?)", (event_id, room, body))
        if state_key is not None:
            self.add_state(event)
        self.add("event_to_state_groups", event_id=event_id, state_group=self.numbers["state"])
        before.append(event)
        self.events.append(event)

    def add_state(self, event):
        number, event_id, room, kind, sender, state_key, _ = event
        group = self.next("state")
        self.add("state_groups", id=group, room_id=room, event_id=event_id)
        if group > 1:
            self.add("state_group_edges", state_group=group, prev_state_group=group - 1)
        self.add("state_groups_state", state_group=group, room_id=room, type=kind,
                 state_key=state_key, event_id=event_id)
        self.add("state_events", event_id=event_id, room_id=room, type=kind, state_key=state_key,
                 prev_state=None)
        self.add("current_state_delta_stream", stream_id=number, room_id=room, type=kind,
                 state_key=state_key, event_id=event_id, prev_event_id=None)
        self.add("current_state_events", event_id=event_id, room_id=room, type=kind,
                 state_key=state_key, event_stream_ordering=number, membership="join")
        if kind == "m.room.member":
            self.add("room_memberships", event_id=event_id, user_id=state_key, sender=sender,
                     room_id=room, membership="join", forgotten=0, event_stream_ordering=number,
                     display_name=self.text(1, 3))
            if state_key in self.users:
                self.add("local_current_membership", room_id=room, user_id=state_key,
                         event_id=event_id, membership="join", event_stream_ordering=number)

    def add_to_directory(self):
        user, shown = self.user(), self.random.choice((None, self.text(1, 4)))
        row = self.add("user_directory", user_id=user, display_name=shown,
                       room_id=self.random.choice(self.rooms))
        if row and "user_directory_search" in self.virtual:
            value = user if shown is None else f"{user} {shown.lower()}"
            self.db.execute("INSERT INTO user_directory_search (user_id, value) VALUES (?, ?)",
                            (user, value))

    def add_tokens(self):
        """Every second one is refreshed: it names the one that came after it."""
        count = self.wanted("refresh_tokens")
        first = self.next("serial")
        self.numbers["serial"] += count
        for number in range(first, first + count):
            user, device = self.random.choice(self.devices)
            self.add("refresh_tokens", id=number, user_id=user, device_id=device,
                     token=f"syr_{self.token(30)}",
                     next_token_id=number + 1 if number % 2 and number + 1 < first + count
                     else None)
        known = self.column("refresh_tokens", "id") or [None]
        for _ in range(self.wanted("access_tokens")):
            user, device = self.random.choice(self.devices)
            self.add("access_tokens", id=self.next("serial"), user_id=user, device_id=device,
                     token=f"syt_{self.token(30)}", valid_until_ms=None,
                     refresh_token_id=self.random.choice([*known, None, None, None]))

    def add_redactions(self):
        for event in self.random.sample(self.events, min(self.wanted("redactions"),
                                                         len(self.events) // 4)):
            self.add("redactions", event_id=f"${self.token(30)}", redacts=event[1],
                     have_censored=self.random.randrange(2), received_ts=NOW)

    def unpleasant(self):
        """What PostgreSQL has no place for. Not in what other rows refer to."""
        spoil = (("devices", "display_name", "'bad' || char(0) || 'name ' || rowid"),
                 ("devices", "user_agent", "CAST(x'6f6bfffec328' AS TEXT)"),
                 ("event_reports", "reason", "'a' || char(0) || char(0)"),
                 ("local_media_repository", "upload_name", "'a' || char(0) || 'b.txt'"))
        for table, column, sql in spoil:
            if table in self.tables and column in self.tables[table].names:
                self.db.execute(f'UPDATE "{table}" SET "{column}" = {sql} WHERE rowid % 7 = 3')
        if self.misfits:
            for sql in ("UPDATE local_media_repository SET media_length = 3221225472 "
                        "WHERE rowid % 5 = 1",
                        "UPDATE user_ips SET user_agent = x'0001ff' WHERE rowid % 5 = 1"):
                if sql.split()[1] in self.tables:
                    self.db.execute(sql)

    def note_streams(self):
        """Positions are ahead of the rows, as those of a server that deleted some are."""
        if "stream_positions" not in self.tables:
            return
        for name, table, column in STREAMS:
            if table in self.tables and column in self.tables[table].names:
                self.db.execute("INSERT OR REPLACE INTO stream_positions VALUES (?, 'master', ?)",
                                (name, self.top(table, column) + 3))

    def commit(self):
        self.db.execute("COMMIT")
        self.db.execute("BEGIN")

    def close(self):
        self.db.execute("COMMIT")
        self.db.close()

    # What becomes of it

    def purge(self, room):
        gone = json.dumps([event[1] for event in self.by_room[room]])
        for table in sorted(self.tables, key=self.rank, reverse=True):
            names = self.tables[table].names
            if "room_id" in names:
                self.db.execute(f'DELETE FROM "{table}" WHERE room_id = ?', (room,))
            if "event_id" in names:
                self.db.execute(f'DELETE FROM "{table}" WHERE event_id IN '
                                "(SELECT value FROM json_each(?))", (gone,))
        if "event_search" in self.virtual:
            self.db.execute("DELETE FROM event_search WHERE room_id = ?", (room,))
        self.forget()

    def forget(self):
        for name in self.tables:
            self.tables[name] = Table(self.db, name)
        self.remember()

    def a_day(self):
        """What a live server does to its database."""
        self.add_events(max(5, round(3100 * self.size)))
        self.retire(self.users[3])
        self.db.execute("UPDATE users SET password_hash = ? WHERE name = ?",
                        ("$2b$changed", self.users[4]))
        self.purge(self.rooms[len(self.rooms) // 2])
        self.censor()
        self.put_back()
        for _ in range(max(2, self.wanted("users") // 50)):
            self.users.append(self.add_user())
        self.remember()
        self.add_tokens()
        self.unpleasant()
        self.note_streams()

    def retire(self, user):
        self.db.execute("UPDATE users SET deactivated = 1, password_hash = NULL WHERE name = ?",
                        (user,))
        for table in ("event_txn_id_device_id", "access_tokens", "devices", "pushers",
                      "e2e_device_keys_json", "e2e_one_time_keys_json", "user_directory"):
            names = self.tables[table].names if table in self.tables else []
            column = "user_name" if "user_name" in names else "user_id"
            if column in names:
                self.db.execute(f'DELETE FROM "{table}" WHERE "{column}" = ?', (user,))
        if "user_directory_search" in self.virtual:
            self.db.execute("DELETE FROM user_directory_search WHERE user_id = ?", (user,))

    def censor(self):
        for event in self.events[10:len(self.events):max(1, len(self.events) // 40)]:
            self.db.execute("UPDATE event_json SET json = json_set(json, '$.content', "
                            "json('{}')) WHERE event_id = ?", (event[1],))
            if "event_search" in self.virtual:
                self.db.execute("DELETE FROM event_search WHERE event_id = ?", (event[1],))
        if "redactions" in self.tables:
            self.db.execute("UPDATE redactions SET have_censored = 1")

    def put_back(self):
        """Rows under the same unique key and another rowid."""
        for table in ("event_json", "room_account_data", "receipts_linearized", "event_search"):
            if table in self.tables:
                names = ", ".join(f'"{n}"' for n in self.tables[table].names)
                rows = self.db.execute(f'SELECT {names} FROM "{table}" WHERE rowid % 11 = 5 '
                                       "ORDER BY rowid DESC LIMIT 40").fetchall()
                self.db.execute(f'DELETE FROM "{table}" WHERE rowid IN (SELECT rowid FROM '
                                f'"{table}" WHERE rowid % 11 = 5 ORDER BY rowid DESC LIMIT 40)')
                marks = ", ".join("?" * len(self.tables[table].names))
                self.db.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)

    def reuse(self):
        """The newest room goes, and the rowids of its rows go to other rows."""
        room = self.events[-1][2]
        gone = len(self.by_room[room])
        self.purge(room)
        self.rooms = [r for r in self.rooms if r != room]
        self.add_events(max(5, gone))
        self.note_streams()


def build(schema, folder, *, seed=1, size=1.0, misfits=False):
    """Writes the three databases, and returns their paths. The schema is a database."""
    paths = [Path(folder) / f"server-{number}.db" for number in (1, 2, 3)]
    shutil.copyfile(schema, paths[0])
    paths[0].chmod(0o644)
    server = Server(paths[0], seed, size, misfits)
    server.make()
    server.close()
    for number, change in ((1, Server.a_day), (2, Server.reuse)):
        shutil.copyfile(paths[0], paths[number])
        server = Server(paths[number], seed + number, size, misfits)
        server.numbers.update(user=100_000 * number, room=100_000 * number, serial=10**9 * number)
        change(server)
        server.close()
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--schema", required=True, help="a database with the tables, and no rows")
    parser.add_argument("--size", type=float, default=1.0, help="1 is some 780,000 rows")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misfits", action="store_true",
                        help="with values that PostgreSQL's columns cannot hold")
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    for path in build(asked.schema, asked.folder, seed=asked.seed, size=asked.size,
                      misfits=asked.misfits):
        db = sqlite3.connect(path)
        names = [row[0] for row in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE "
            "'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite_%' AND name NOT GLOB '*_search_*'")]
        counts = [db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names]
        print(f"{path}: {path.stat().st_size / 1e6:.0f} MB, {sum(counts)} rows in "
              f"{sum(map(bool, counts))} tables")
        db.close()


if __name__ == "__main__":
    main()
