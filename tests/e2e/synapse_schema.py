"""A small likeness of a Synapse homeserver's two schemas: the tables that the profile treats in a
way of their own, and one of each kind of the others. Made up for the tests; the names are those
that the profile knows."""

# What both sides say alike, but for the words of types.
COMMON = """
CREATE TABLE schema_version (Lock CHAR(1) NOT NULL DEFAULT 'X' UNIQUE CHECK (Lock = 'X'),
    version INTEGER NOT NULL, upgraded BOOL NOT NULL);
CREATE TABLE schema_compat_version (Lock CHAR(1) NOT NULL DEFAULT 'X' UNIQUE CHECK (Lock = 'X'),
    compat_version INTEGER NOT NULL);
CREATE TABLE applied_schema_deltas (version INTEGER NOT NULL, file TEXT NOT NULL,
    UNIQUE (version, file));
CREATE TABLE applied_module_schemas (module_name TEXT NOT NULL, file TEXT NOT NULL,
    UNIQUE (module_name, file));
CREATE TABLE background_updates (update_name TEXT NOT NULL UNIQUE, progress_json TEXT NOT NULL,
    depends_on TEXT, ordering INT NOT NULL DEFAULT 0);
CREATE TABLE appservice_stream_position (Lock CHAR(1) NOT NULL DEFAULT 'X' UNIQUE
    CHECK (Lock = 'X'), stream_ordering BIGINT);
CREATE TABLE user_directory_stream_pos (Lock CHAR(1) NOT NULL DEFAULT 'X' UNIQUE
    CHECK (Lock = 'X'), stream_id BIGINT);
CREATE TABLE stream_positions (stream_name TEXT NOT NULL, instance_name TEXT NOT NULL,
    stream_id BIGINT NOT NULL, UNIQUE (stream_name, instance_name));
CREATE TABLE federation_stream_position (type TEXT NOT NULL, stream_id BIGINT NOT NULL,
    instance_name TEXT NOT NULL DEFAULT 'master', UNIQUE (type, instance_name));
CREATE TABLE worker_locks (lock_name TEXT NOT NULL, lock_key TEXT NOT NULL,
    instance_name TEXT NOT NULL, token TEXT NOT NULL, last_renewed_ts BIGINT NOT NULL,
    UNIQUE (lock_name, lock_key));

CREATE TABLE users (name TEXT UNIQUE, password_hash TEXT, creation_ts BIGINT,
    admin SMALLINT DEFAULT 0 NOT NULL, is_guest SMALLINT DEFAULT 0 NOT NULL,
    deactivated SMALLINT DEFAULT 0 NOT NULL, shadow_banned BOOLEAN, approved BOOLEAN,
    locked BOOLEAN DEFAULT FALSE NOT NULL);
CREATE TABLE profiles (user_id TEXT NOT NULL UNIQUE, displayname TEXT, avatar_url TEXT,
    full_user_id TEXT, fields JSONB);
CREATE TABLE devices (user_id TEXT NOT NULL, device_id TEXT NOT NULL, display_name TEXT,
    last_seen BIGINT, ip TEXT, user_agent TEXT, hidden BOOLEAN DEFAULT FALSE,
    UNIQUE (user_id, device_id));
CREATE TABLE refresh_tokens (id BIGINT PRIMARY KEY, user_id TEXT NOT NULL,
    device_id TEXT NOT NULL, token TEXT NOT NULL UNIQUE,
    next_token_id BIGINT REFERENCES refresh_tokens (id) ON DELETE CASCADE, expiry_ts BIGINT);
CREATE TABLE access_tokens (id BIGINT PRIMARY KEY, user_id TEXT NOT NULL, device_id TEXT,
    token TEXT NOT NULL UNIQUE, valid_until_ms BIGINT,
    refresh_token_id BIGINT REFERENCES refresh_tokens (id) ON DELETE CASCADE, used BOOLEAN);
CREATE TABLE user_ips (user_id TEXT NOT NULL, access_token TEXT NOT NULL, device_id TEXT,
    ip TEXT NOT NULL, user_agent TEXT NOT NULL, last_seen BIGINT NOT NULL);
CREATE UNIQUE INDEX user_ips_once ON user_ips (user_id, access_token, ip);
CREATE TABLE user_filters (user_id TEXT NOT NULL, filter_id BIGINT NOT NULL,
    filter_json BYTEA NOT NULL, UNIQUE (user_id, filter_id));
CREATE TABLE user_directory (user_id TEXT NOT NULL UNIQUE, room_id TEXT, display_name TEXT,
    avatar_url TEXT);

CREATE TABLE rooms (room_id TEXT PRIMARY KEY NOT NULL, is_public BOOL, creator TEXT,
    room_version TEXT, has_auth_chain_index BOOLEAN);
CREATE TABLE event_json (event_id TEXT NOT NULL UNIQUE, room_id TEXT NOT NULL,
    internal_metadata TEXT NOT NULL, json TEXT NOT NULL, format_version INTEGER);
CREATE TABLE event_edges (event_id TEXT NOT NULL REFERENCES events (event_id),
    prev_event_id TEXT NOT NULL, room_id TEXT, is_state BOOL NOT NULL DEFAULT FALSE);
CREATE UNIQUE INDEX event_edges_once ON event_edges (event_id, prev_event_id);
CREATE TABLE event_auth (event_id TEXT NOT NULL, auth_id TEXT NOT NULL, room_id TEXT NOT NULL);
CREATE INDEX event_auth_id ON event_auth (event_id);
CREATE TABLE event_auth_chains (event_id TEXT PRIMARY KEY, chain_id BIGINT NOT NULL,
    sequence_number BIGINT NOT NULL);
CREATE TABLE event_auth_chain_links (origin_chain_id BIGINT NOT NULL,
    origin_sequence_number BIGINT NOT NULL, target_chain_id BIGINT NOT NULL,
    target_sequence_number BIGINT NOT NULL);
CREATE TABLE event_txn_id_device_id (event_id TEXT NOT NULL UNIQUE
    REFERENCES events (event_id) ON DELETE CASCADE, room_id TEXT NOT NULL, user_id TEXT NOT NULL,
    device_id TEXT NOT NULL, txn_id TEXT NOT NULL, inserted_ts BIGINT NOT NULL,
    FOREIGN KEY (user_id, device_id) REFERENCES devices (user_id, device_id) ON DELETE CASCADE);
CREATE TABLE event_reports (id BIGINT NOT NULL PRIMARY KEY, received_ts BIGINT NOT NULL,
    room_id TEXT NOT NULL, event_id TEXT NOT NULL, user_id TEXT NOT NULL, reason TEXT,
    content TEXT);
CREATE TABLE state_events (event_id TEXT NOT NULL UNIQUE, room_id TEXT NOT NULL,
    type TEXT NOT NULL, state_key TEXT NOT NULL, prev_state TEXT);
CREATE TABLE current_state_events (event_id TEXT NOT NULL UNIQUE, room_id TEXT NOT NULL,
    type TEXT NOT NULL, state_key TEXT NOT NULL, membership TEXT,
    event_stream_ordering BIGINT REFERENCES events (stream_ordering),
    UNIQUE (room_id, type, state_key));
CREATE TABLE current_state_delta_stream (stream_id BIGINT NOT NULL, room_id TEXT NOT NULL,
    type TEXT NOT NULL, state_key TEXT NOT NULL, event_id TEXT, prev_event_id TEXT,
    instance_name TEXT);
CREATE TABLE ex_outlier_stream (event_stream_ordering BIGINT PRIMARY KEY NOT NULL,
    event_id TEXT NOT NULL, state_group BIGINT NOT NULL, instance_name TEXT);
CREATE TABLE room_memberships (event_id TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL,
    sender TEXT NOT NULL, room_id TEXT NOT NULL, membership TEXT NOT NULL,
    forgotten INTEGER DEFAULT 0, display_name TEXT, avatar_url TEXT,
    event_stream_ordering BIGINT REFERENCES events (stream_ordering),
    participant BOOLEAN DEFAULT FALSE);
CREATE TABLE local_current_membership (room_id TEXT NOT NULL, user_id TEXT NOT NULL,
    event_id TEXT NOT NULL, membership TEXT NOT NULL,
    event_stream_ordering BIGINT REFERENCES events (stream_ordering), UNIQUE (user_id, room_id));
CREATE TABLE redactions (event_id TEXT NOT NULL UNIQUE, redacts TEXT NOT NULL,
    have_censored BOOL NOT NULL DEFAULT FALSE, received_ts BIGINT);
CREATE TABLE thread_subscriptions (stream_id BIGINT NOT NULL PRIMARY KEY,
    instance_name TEXT NOT NULL, room_id TEXT NOT NULL REFERENCES rooms (room_id) ON DELETE CASCADE,
    event_id TEXT NOT NULL REFERENCES events (event_id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (name), subscribed BOOLEAN NOT NULL,
    UNIQUE (room_id, event_id, user_id));
CREATE TABLE un_partial_stated_room_stream (stream_id BIGINT PRIMARY KEY NOT NULL,
    instance_name TEXT NOT NULL, room_id TEXT NOT NULL
    REFERENCES rooms (room_id) ON DELETE CASCADE);
CREATE TABLE un_partial_stated_event_stream (stream_id BIGINT PRIMARY KEY NOT NULL,
    instance_name TEXT NOT NULL, event_id TEXT NOT NULL
    REFERENCES events (event_id) ON DELETE CASCADE, rejection_status_changed BOOLEAN NOT NULL);
CREATE TABLE destinations (destination TEXT PRIMARY KEY, retry_last_ts BIGINT,
    retry_interval BIGINT);
CREATE TABLE destination_rooms (destination TEXT NOT NULL REFERENCES destinations (destination),
    room_id TEXT NOT NULL REFERENCES rooms (room_id), stream_ordering BIGINT NOT NULL,
    PRIMARY KEY (destination, room_id));

CREATE TABLE state_groups (id BIGINT PRIMARY KEY, room_id TEXT NOT NULL, event_id TEXT NOT NULL);
CREATE TABLE state_groups_state (state_group BIGINT NOT NULL, room_id TEXT NOT NULL,
    type TEXT NOT NULL, state_key TEXT NOT NULL, event_id TEXT NOT NULL);
CREATE TABLE state_group_edges (state_group BIGINT NOT NULL, prev_state_group BIGINT NOT NULL,
    UNIQUE (state_group, prev_state_group));
CREATE TABLE event_to_state_groups (event_id TEXT NOT NULL UNIQUE, state_group BIGINT NOT NULL);

CREATE TABLE account_data (user_id TEXT NOT NULL, account_data_type TEXT NOT NULL,
    stream_id BIGINT NOT NULL, content TEXT NOT NULL, UNIQUE (user_id, account_data_type));
CREATE TABLE room_account_data (user_id TEXT NOT NULL, room_id TEXT NOT NULL,
    account_data_type TEXT NOT NULL, stream_id BIGINT NOT NULL, content TEXT NOT NULL,
    UNIQUE (user_id, room_id, account_data_type));
CREATE TABLE room_tags_revisions (user_id TEXT NOT NULL, room_id TEXT NOT NULL,
    stream_id BIGINT NOT NULL, UNIQUE (user_id, room_id));
CREATE TABLE receipts_linearized (stream_id BIGINT NOT NULL, room_id TEXT NOT NULL,
    receipt_type TEXT NOT NULL, user_id TEXT NOT NULL, event_id TEXT NOT NULL, thread_id TEXT,
    data TEXT NOT NULL, UNIQUE (room_id, receipt_type, user_id, thread_id));
CREATE TABLE device_inbox (user_id TEXT NOT NULL, device_id TEXT NOT NULL,
    stream_id BIGINT NOT NULL, message_json TEXT NOT NULL);
CREATE TABLE device_federation_outbox (destination TEXT NOT NULL, stream_id BIGINT NOT NULL,
    queued_ts BIGINT NOT NULL, messages_json TEXT NOT NULL);
CREATE TABLE presence_stream (stream_id BIGINT, user_id TEXT UNIQUE, state TEXT,
    last_active_ts BIGINT, status_msg TEXT, currently_active BOOLEAN);
CREATE TABLE application_services_txns (as_id TEXT NOT NULL, txn_id BIGINT NOT NULL,
    event_ids TEXT NOT NULL, UNIQUE (as_id, txn_id));
CREATE TABLE received_transactions (transaction_id TEXT, origin TEXT, ts BIGINT,
    response_code INTEGER, response_json BYTEA, UNIQUE (transaction_id, origin));
CREATE TABLE local_media_repository (media_id TEXT UNIQUE, media_type TEXT, media_length INTEGER,
    created_ts BIGINT, upload_name TEXT, user_id TEXT,
    safe_from_quarantine BOOLEAN NOT NULL DEFAULT FALSE);
"""

SOURCE = COMMON.replace(
    "CREATE TABLE event_json", "CREATE TABLE events (stream_ordering INTEGER PRIMARY KEY, "
    "topological_ordering BIGINT NOT NULL, event_id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, "
    "room_id TEXT NOT NULL, content TEXT, processed BOOL NOT NULL, outlier BOOL NOT NULL, "
    "origin_server_ts BIGINT, sender TEXT, contains_url BOOLEAN, state_key TEXT);\n"
    "CREATE TABLE event_json", 1) + """
CREATE VIRTUAL TABLE event_search
    USING fts4 (tokenize=porter, event_id, room_id, sender, key, value);
CREATE VIRTUAL TABLE user_directory_search USING fts4 (user_id, value);
CREATE TABLE sliding_sync_connections (connection_key INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL, conn_id TEXT NOT NULL, created_ts BIGINT NOT NULL);
CREATE TABLE sliding_sync_connection_positions (
    connection_position INTEGER PRIMARY KEY AUTOINCREMENT, connection_key BIGINT NOT NULL
    REFERENCES sliding_sync_connections (connection_key) ON DELETE CASCADE,
    created_ts BIGINT NOT NULL);
CREATE TABLE worker_read_write_locks (lock_name TEXT NOT NULL, lock_key TEXT NOT NULL,
    instance_name TEXT NOT NULL, write_lock BOOLEAN NOT NULL, token TEXT NOT NULL);
CREATE TABLE worker_read_write_locks_mode (lock_name TEXT NOT NULL, lock_key TEXT NOT NULL,
    write_lock BOOLEAN NOT NULL, token TEXT NOT NULL);
INSERT INTO schema_version VALUES ('X', 92, 1);
INSERT INTO schema_compat_version VALUES ('X', 84);
INSERT INTO applied_schema_deltas VALUES (73, '73/10_sqlite_only.py'), (85, '85/both.sql');
INSERT INTO stream_positions VALUES ('backfill', 'master', 22);
INSERT INTO federation_stream_position VALUES ('federation', -1, 'master');
INSERT INTO appservice_stream_position VALUES ('X', 0);
INSERT INTO user_directory_stream_pos VALUES ('X', NULL);
INSERT INTO worker_locks VALUES ('lock', 'key', 'master', 'token', 1);
INSERT INTO worker_read_write_locks VALUES ('lock', 'key', 'master', 0, 'token');
INSERT INTO worker_read_write_locks_mode VALUES ('lock', 'key', 0, 'token');
"""

# Sequences with what a new server has: those that nothing was drawn from start at 1 or 2.
SEQUENCES = {
    "account_data_sequence": 2, "application_services_txn_id_seq": 2,
    "cache_invalidation_stream_seq": 1, "device_inbox_sequence": 2, "event_auth_chain_id": 1,
    "events_backfill_stream_seq": 1, "events_stream_seq": 1, "presence_stream_sequence": 2,
    "receipts_sequence": 2, "state_group_id_seq": 1, "thread_subscriptions_sequence": 2,
    "un_partial_stated_event_stream_sequence": 2, "un_partial_stated_room_stream_sequence": 1,
    "user_id_seq": 1,
}

TARGET = COMMON.replace(
    "CREATE TABLE event_json", "CREATE TABLE events (topological_ordering BIGINT NOT NULL, "
    "event_id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, room_id TEXT NOT NULL, content TEXT, "
    "processed BOOLEAN NOT NULL, outlier BOOLEAN NOT NULL, origin_server_ts BIGINT, sender TEXT, "
    "contains_url BOOLEAN, stream_ordering BIGINT NOT NULL UNIQUE, state_key TEXT);\n"
    "CREATE TABLE event_json", 1) + """
CREATE TABLE event_search (event_id TEXT UNIQUE, room_id TEXT, sender TEXT, key TEXT,
    vector tsvector, origin_server_ts BIGINT, stream_ordering BIGINT);
CREATE INDEX event_search_words ON event_search USING gin (vector);
CREATE TABLE user_directory_search (user_id TEXT NOT NULL UNIQUE, vector tsvector);
CREATE INDEX user_directory_search_words ON user_directory_search USING gin (vector);
CREATE TABLE sliding_sync_connections (
    connection_key BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id TEXT NOT NULL,
    conn_id TEXT NOT NULL, created_ts BIGINT NOT NULL);
CREATE TABLE sliding_sync_connection_positions (
    connection_position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_key BIGINT NOT NULL
    REFERENCES sliding_sync_connections (connection_key) ON DELETE CASCADE,
    created_ts BIGINT NOT NULL);
CREATE UNLOGGED TABLE worker_read_write_locks_mode (lock_name TEXT NOT NULL,
    lock_key TEXT NOT NULL, write_lock BOOLEAN NOT NULL, token TEXT NOT NULL,
    UNIQUE (lock_name, lock_key), UNIQUE (lock_name, lock_key, write_lock));
CREATE UNLOGGED TABLE worker_read_write_locks (lock_name TEXT NOT NULL, lock_key TEXT NOT NULL,
    instance_name TEXT NOT NULL, write_lock BOOLEAN NOT NULL, token TEXT NOT NULL,
    UNIQUE (lock_name, lock_key, token), FOREIGN KEY (lock_name, lock_key, write_lock)
    REFERENCES worker_read_write_locks_mode (lock_name, lock_key, write_lock));
ALTER TABLE worker_read_write_locks_mode ADD FOREIGN KEY (lock_name, lock_key, token)
    REFERENCES worker_read_write_locks (lock_name, lock_key, token) DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE instance_map (instance_id SERIAL PRIMARY KEY, instance_name TEXT NOT NULL);
CREATE TABLE cache_invalidation_stream_by_instance (stream_id BIGINT NOT NULL,
    instance_name TEXT NOT NULL, cache_func TEXT NOT NULL, keys TEXT[], invalidation_ts BIGINT);

CREATE FUNCTION check_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id
               AND stream_ordering <> NEW.event_stream_ordering) THEN
        RAISE EXCEPTION 'that is not the number of the event';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_number BEFORE INSERT OR UPDATE ON room_memberships
    FOR EACH ROW EXECUTE FUNCTION check_number();

INSERT INTO schema_version VALUES ('X', 92, true);
INSERT INTO schema_compat_version VALUES ('X', 84);
INSERT INTO applied_schema_deltas VALUES (73, '73/05.sql.postgres'), (85, '85/both.sql');
INSERT INTO stream_positions VALUES ('caches', 'master', 1);
INSERT INTO federation_stream_position VALUES ('federation', -1, 'master');
INSERT INTO appservice_stream_position VALUES ('X', 0);
INSERT INTO user_directory_stream_pos VALUES ('X', NULL);
""" + "".join(f"CREATE SEQUENCE {name};\nSELECT setval('{name}', {start}, false);\n"
              for name, start in SEQUENCES.items())
