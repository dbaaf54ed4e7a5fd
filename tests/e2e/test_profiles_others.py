"""The profiles for Vaultwarden and Gitea, over likenesses of their schemas as diesel and xorm make
them: texts for uuids, dates and times, integers for booleans, words that SQL keeps to itself for
tables and columns."""

import shutil
import sqlite3

import pytest

from migrated import Migration, assert_migrated
from program import MISPLACED, OK, SET_ASIDE, run

VAULTWARDEN_SOURCE = """
CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL,
    run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO __diesel_schema_migrations VALUES ('20180114171611', '2024-01-01 00:00:00'),
    ('20240112210182', '2024-02-01 00:00:00');
CREATE TABLE users (uuid TEXT NOT NULL PRIMARY KEY, enabled BOOLEAN NOT NULL DEFAULT 1,
    created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, verified_at DATETIME,
    login_verify_count INTEGER NOT NULL DEFAULT 0, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    password_hash BLOB NOT NULL, salt BLOB NOT NULL, password_iterations INTEGER NOT NULL,
    akey TEXT NOT NULL, equivalent_domains TEXT NOT NULL, client_kdf_type INTEGER NOT NULL,
    client_kdf_memory INTEGER, avatar_color TEXT);
CREATE TABLE organizations (uuid VARCHAR(40) NOT NULL PRIMARY KEY, name TEXT NOT NULL,
    billing_email TEXT NOT NULL);
CREATE TABLE users_organizations (uuid TEXT NOT NULL PRIMARY KEY,
    user_uuid TEXT NOT NULL REFERENCES users (uuid),
    org_uuid TEXT NOT NULL REFERENCES organizations (uuid), access_all BOOLEAN NOT NULL,
    akey TEXT NOT NULL, status INTEGER NOT NULL, atype INTEGER NOT NULL, reset_password_key TEXT,
    UNIQUE (user_uuid, org_uuid));
CREATE TABLE devices (uuid TEXT NOT NULL, created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL, user_uuid TEXT NOT NULL, name TEXT NOT NULL,
    atype INTEGER NOT NULL, push_token TEXT, refresh_token TEXT NOT NULL,
    PRIMARY KEY (uuid, user_uuid));
CREATE TABLE ciphers (uuid TEXT NOT NULL PRIMARY KEY, created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL, user_uuid TEXT REFERENCES users (uuid),
    organization_uuid TEXT REFERENCES organizations (uuid), atype INTEGER NOT NULL,
    name TEXT NOT NULL, notes TEXT, fields TEXT, data TEXT NOT NULL, password_history TEXT,
    deleted_at DATETIME, reprompt INTEGER);
CREATE TABLE folders (uuid TEXT NOT NULL PRIMARY KEY, created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL, user_uuid TEXT NOT NULL REFERENCES users (uuid),
    name TEXT NOT NULL);
CREATE TABLE folders_ciphers (cipher_uuid TEXT NOT NULL REFERENCES ciphers (uuid),
    folder_uuid TEXT NOT NULL REFERENCES folders (uuid), PRIMARY KEY (cipher_uuid, folder_uuid));
CREATE TABLE attachments (id TEXT NOT NULL PRIMARY KEY,
    cipher_uuid TEXT NOT NULL REFERENCES ciphers (uuid), file_name TEXT NOT NULL,
    file_size INTEGER NOT NULL, akey TEXT);
CREATE TABLE twofactor (uuid TEXT NOT NULL PRIMARY KEY,
    user_uuid TEXT NOT NULL REFERENCES users (uuid), atype INTEGER NOT NULL,
    enabled BOOLEAN NOT NULL, data TEXT NOT NULL, last_used INTEGER NOT NULL DEFAULT 0,
    UNIQUE (user_uuid, atype));
CREATE TABLE event (uuid TEXT NOT NULL PRIMARY KEY, event_type INTEGER NOT NULL, user_uuid TEXT,
    ip_address TEXT, event_date DATETIME NOT NULL);
CREATE TABLE sso_nonce (state TEXT NOT NULL PRIMARY KEY, nonce TEXT NOT NULL,
    created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO sso_nonce VALUES ('s', 'n', '2026-01-01 00:00:00');
"""
VAULTWARDEN_TARGET = """
CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL,
    run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO __diesel_schema_migrations VALUES ('20190912100000', '2025-01-01 00:00:00'),
    ('20240112210182', '2025-01-01 00:00:00');
CREATE TABLE users (uuid CHAR(36) NOT NULL PRIMARY KEY, enabled BOOLEAN NOT NULL DEFAULT 'true',
    created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, verified_at TIMESTAMP,
    login_verify_count INTEGER NOT NULL DEFAULT 0, email VARCHAR(255) NOT NULL UNIQUE,
    name TEXT NOT NULL, password_hash BYTEA NOT NULL, salt BYTEA NOT NULL,
    password_iterations INTEGER NOT NULL, akey TEXT NOT NULL, equivalent_domains TEXT NOT NULL,
    client_kdf_type INTEGER NOT NULL, client_kdf_memory INTEGER, avatar_color VARCHAR(7));
CREATE TABLE organizations (uuid VARCHAR(40) NOT NULL PRIMARY KEY, name TEXT NOT NULL,
    billing_email TEXT NOT NULL);
CREATE TABLE users_organizations (uuid CHAR(36) NOT NULL PRIMARY KEY,
    user_uuid CHAR(36) NOT NULL REFERENCES users (uuid),
    org_uuid CHAR(36) NOT NULL REFERENCES organizations (uuid), access_all BOOLEAN NOT NULL,
    akey TEXT NOT NULL, status INTEGER NOT NULL, atype INTEGER NOT NULL, reset_password_key TEXT,
    UNIQUE (user_uuid, org_uuid));
CREATE TABLE devices (uuid CHAR(36) NOT NULL, created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL, user_uuid CHAR(36) NOT NULL, name TEXT NOT NULL,
    atype INTEGER NOT NULL, push_token TEXT, refresh_token TEXT NOT NULL,
    PRIMARY KEY (uuid, user_uuid));
CREATE TABLE ciphers (uuid CHAR(36) NOT NULL PRIMARY KEY, created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL, user_uuid CHAR(36) REFERENCES users (uuid),
    organization_uuid CHAR(36) REFERENCES organizations (uuid), atype INTEGER NOT NULL,
    name TEXT NOT NULL, notes TEXT, fields TEXT, data TEXT NOT NULL, password_history TEXT,
    deleted_at TIMESTAMP, reprompt INTEGER);
CREATE TABLE folders (uuid CHAR(36) NOT NULL PRIMARY KEY, created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL, user_uuid CHAR(36) NOT NULL REFERENCES users (uuid),
    name TEXT NOT NULL);
CREATE TABLE folders_ciphers (cipher_uuid CHAR(36) NOT NULL REFERENCES ciphers (uuid),
    folder_uuid CHAR(36) NOT NULL REFERENCES folders (uuid),
    PRIMARY KEY (cipher_uuid, folder_uuid));
CREATE TABLE attachments (id TEXT NOT NULL PRIMARY KEY,
    cipher_uuid CHAR(36) NOT NULL REFERENCES ciphers (uuid), file_name TEXT NOT NULL,
    file_size BIGINT NOT NULL, akey TEXT);
CREATE TABLE twofactor (uuid CHAR(36) NOT NULL PRIMARY KEY,
    user_uuid CHAR(36) NOT NULL REFERENCES users (uuid), atype INTEGER NOT NULL,
    enabled BOOLEAN NOT NULL, data TEXT NOT NULL, last_used BIGINT NOT NULL DEFAULT 0,
    UNIQUE (user_uuid, atype));
CREATE TABLE event (uuid CHAR(36) NOT NULL PRIMARY KEY, event_type INTEGER NOT NULL,
    user_uuid CHAR(36), ip_address TEXT, event_date TIMESTAMP NOT NULL);
CREATE TABLE sso_nonce (state TEXT NOT NULL PRIMARY KEY, nonce TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT now());
"""

U = ["6f9619ff-8b86-d011-b42d-00cf4fc96400", "6f9619ff-8b86-d011-b42d-00cf4fc96401"]
VAULTWARDEN_ROWS = f"""
INSERT INTO users VALUES
    ('{U[0]}', 1, '2024-02-29 12:00:00.250000', '2024-03-01 00:00:00', NULL, 0, 'a@example.org',
     'Änne 🚢', x'00ff5c78', x'5c', 600000, '2.key', '[]', 0, NULL, '#aabbcc'),
    ('{U[1]}', 0, '2019-01-01 00:00:00.000001', '2019-01-01 00:00:00', '2020-01-01 01:02:03.4', 3,
     'b@example.org', '', x'', x'00', 100000, '', '[[1,2]]', 1, 64, NULL);
INSERT INTO organizations VALUES ('{U[0]}', 'we', 'us@example.org');
INSERT INTO users_organizations VALUES ('{U[0]}', '{U[1]}', '{U[0]}', 1, 'k', 2, 0, NULL);
INSERT INTO devices VALUES ('{U[0]}', '2024-01-01 00:00:00', '2024-01-01 00:00:00', '{U[0]}',
    'phone', 1, NULL, 'r'), ('{U[0]}', '2024-01-01 00:00:00', '2024-01-01 00:00:00', '{U[1]}',
    'phone' || char(0) || ' of b', 1, NULL, 's');
INSERT INTO ciphers VALUES
    ('{U[0]}', '2024-01-01 00:00:00', '2024-01-01 00:00:00', '{U[0]}', NULL, 1, '2.n|x', NULL,
     NULL, '{{"username": "2.u\\\\n"}}', NULL, NULL, NULL),
    ('{U[1]}', '2024-01-01 00:00:00', '2024-01-01 00:00:00', NULL, '{U[0]}', 2, '2.m|x', 'n', '[]',
     '{{}}', '[]', '2024-05-05 05:05:05', 1);
INSERT INTO folders VALUES ('{U[0]}', '2024-01-01 00:00:00', '2024-01-01 00:00:00', '{U[0]}', 'f');
INSERT INTO folders_ciphers VALUES ('{U[0]}', '{U[0]}');
INSERT INTO attachments VALUES ('0123456789abcdef', '{U[0]}', '2.file', 3221225472, NULL);
INSERT INTO twofactor VALUES ('{U[0]}', '{U[0]}', 0, 1, 'JBSWY3DP', 57190000);
INSERT INTO event VALUES ('{U[0]}', 1000, '{U[0]}', '::1', '2024-02-29 23:59:59.999999');
"""
VAULTWARDEN_LATER = f"""
UPDATE users SET email = CASE uuid WHEN '{U[0]}' THEN 'b@example.org' ELSE 'c' END
    WHERE uuid = '{U[1]}';
UPDATE users SET email = 'b@example.org' WHERE uuid = '{U[0]}';
UPDATE users SET email = 'a@example.org', verified_at = '2025-01-01 00:00:00'
    WHERE uuid = '{U[1]}';
DELETE FROM folders_ciphers; DELETE FROM attachments; DELETE FROM ciphers WHERE uuid = '{U[0]}';
INSERT INTO ciphers VALUES ('{U[0]}', '2025-01-01 00:00:00', '2025-01-01 00:00:00', '{U[1]}', NULL,
    1, 'again', NULL, NULL, '{{}}', NULL, NULL, NULL);
"""
VAULTWARDEN = Migration(not_carried={"__diesel_schema_migrations", "sso_nonce"})

GITEA_SOURCE = """
CREATE TABLE version (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, version INTEGER NULL);
INSERT INTO version VALUES (1, 305);
CREATE TABLE "user" (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, lower_name TEXT NOT NULL,
    name TEXT NOT NULL, passwd TEXT NOT NULL, is_admin INTEGER NULL,
    prohibit_login INTEGER DEFAULT false NOT NULL, type INTEGER NULL, created_unix INTEGER NULL,
    max_repo_creation INTEGER DEFAULT -1 NOT NULL, description TEXT NULL);
CREATE UNIQUE INDEX UQE_user_name ON "user" (name);
CREATE UNIQUE INDEX UQE_user_lower_name ON "user" (lower_name);
CREATE TABLE repository (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, owner_id INTEGER NULL,
    lower_name TEXT NOT NULL, name TEXT NOT NULL, is_private INTEGER NULL, topics TEXT NULL,
    size INTEGER DEFAULT 0 NOT NULL);
CREATE UNIQUE INDEX UQE_repository_s ON repository (owner_id, lower_name);
CREATE TABLE issue (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, repo_id INTEGER NULL,
    "index" INTEGER NULL, name TEXT NULL, content TEXT NULL, is_closed INTEGER NULL,
    deadline_unix INTEGER NULL);
CREATE UNIQUE INDEX UQE_issue_repo_index ON issue (repo_id, "index");
CREATE TABLE issue_index (group_id INTEGER PRIMARY KEY NOT NULL, max_index INTEGER NULL);
CREATE TABLE tracked_time (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, issue_id INTEGER NULL,
    created_unix INTEGER NULL, time INTEGER NOT NULL, deleted INTEGER DEFAULT false NOT NULL);
CREATE TABLE webauthn_credential (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NULL,
    user_id INTEGER NULL, credential_id BLOB NULL, public_key BLOB NULL,
    clone_warning INTEGER NULL);
CREATE TABLE login_source (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, type INTEGER NULL,
    name TEXT NULL, is_active INTEGER DEFAULT false NOT NULL, cfg TEXT NULL);
CREATE TABLE external_login_user (external_id TEXT NOT NULL, user_id INTEGER NOT NULL,
    login_source_id INTEGER NOT NULL, raw_data TEXT NULL, expires_at DATETIME NULL,
    PRIMARY KEY (external_id, login_source_id));
CREATE TABLE language_stat (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, repo_id INTEGER NOT NULL,
    is_primary INTEGER NULL, language TEXT NOT NULL, size INTEGER DEFAULT 0 NOT NULL);
CREATE TABLE session (key TEXT PRIMARY KEY NOT NULL, data BLOB NULL, expiry INTEGER NULL);
INSERT INTO session VALUES ('0123456789abcdef', x'00', 1);
"""
GITEA_TARGET = """
CREATE TABLE version (id BIGSERIAL PRIMARY KEY NOT NULL, version BIGINT NULL);
INSERT INTO version VALUES (1, 305);
CREATE TABLE "user" (id BIGSERIAL PRIMARY KEY NOT NULL, lower_name VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL, passwd VARCHAR(255) NOT NULL, is_admin BOOL NULL,
    prohibit_login BOOL DEFAULT false NOT NULL, type INTEGER NULL, created_unix BIGINT NULL,
    max_repo_creation INTEGER DEFAULT -1 NOT NULL, description VARCHAR(255) NULL);
CREATE UNIQUE INDEX "UQE_user_name" ON "user" (name);
CREATE UNIQUE INDEX "UQE_user_lower_name" ON "user" (lower_name);
CREATE TABLE repository (id BIGSERIAL PRIMARY KEY NOT NULL, owner_id BIGINT NULL,
    lower_name VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, is_private BOOL NULL,
    topics TEXT NULL, size BIGINT DEFAULT 0 NOT NULL);
CREATE UNIQUE INDEX "UQE_repository_s" ON repository (owner_id, lower_name);
CREATE TABLE issue (id BIGSERIAL PRIMARY KEY NOT NULL, repo_id BIGINT NULL, "index" BIGINT NULL,
    name VARCHAR(255) NULL, content TEXT NULL, is_closed BOOL NULL, deadline_unix BIGINT NULL);
CREATE UNIQUE INDEX "UQE_issue_repo_index" ON issue (repo_id, "index");
CREATE TABLE issue_index (group_id BIGINT PRIMARY KEY NOT NULL, max_index BIGINT NULL);
CREATE TABLE tracked_time (id BIGSERIAL PRIMARY KEY NOT NULL, issue_id BIGINT NULL,
    created_unix BIGINT NULL, time BIGINT NOT NULL, deleted BOOL DEFAULT false NOT NULL);
CREATE TABLE webauthn_credential (id BIGSERIAL PRIMARY KEY NOT NULL, name VARCHAR(255) NULL,
    user_id BIGINT NULL, credential_id BYTEA NULL, public_key BYTEA NULL, clone_warning BOOL NULL);
CREATE TABLE login_source (id BIGSERIAL PRIMARY KEY NOT NULL, type INTEGER NULL,
    name VARCHAR(255) NULL, is_active BOOL DEFAULT false NOT NULL, cfg TEXT NULL);
CREATE TABLE external_login_user (external_id VARCHAR(255) NOT NULL, user_id BIGINT NOT NULL,
    login_source_id BIGINT NOT NULL, raw_data TEXT NULL, expires_at TIMESTAMP NULL,
    PRIMARY KEY (external_id, login_source_id));
CREATE TABLE language_stat (id BIGSERIAL PRIMARY KEY NOT NULL, repo_id BIGINT NOT NULL,
    is_primary BOOL NULL, language VARCHAR(50) NOT NULL, size BIGINT DEFAULT 0 NOT NULL);
CREATE TABLE session (key CHAR(16) PRIMARY KEY NOT NULL, data BYTEA NULL, expiry BIGINT NULL);
"""
GITEA_ROWS = """
INSERT INTO "user" VALUES (1, 'anna', 'Anna', 'x', 1, 0, 0, 1700000000, -1, 'ferry 🚢'),
    (7, 'ben', 'Ben', '', NULL, 1, 0, 1700000001, 5, NULL);
DELETE FROM "user" WHERE id = 9;
INSERT INTO "user" VALUES (12, 'gone', 'Gone', '', 0, 0, 1, 1, -1, ''); DELETE FROM "user"
    WHERE id = 12;
INSERT INTO repository VALUES (1, 1, 'boat', 'Boat', 0, '["a","ü"]', 3221225472),
    (2, 7, 'boat', 'boat', 1, 'null', 0);
INSERT INTO issue VALUES (1, 1, 1, 'leak', 'water' || char(0) || ' in it', 0, 0),
    (2, 1, 2, '\\o/', 'a\\b', 1, 253402214399), (3, 2, 1, NULL, NULL, NULL, NULL);
INSERT INTO issue_index VALUES (1, 2), (2, 1);
INSERT INTO tracked_time VALUES (4, 1, 1700000002, 60, 0);
INSERT INTO webauthn_credential VALUES (1, 'key', 1, x'5c00ff', x'', 0);
INSERT INTO login_source VALUES (1, 2, 'LDAP', 1, '{"Host": "h"}');
INSERT INTO external_login_user VALUES ('e', 1, 1, '{}', '2024-02-29 12:00:00'),
    ('f', 7, 1, NULL, NULL);
INSERT INTO language_stat VALUES (1, 1, 1, 'C', 10), (2, 1, 0, 'C++', 3);
"""
GITEA_LATER = """
UPDATE issue SET "index" = 9 WHERE id = 1; UPDATE issue SET "index" = 1 WHERE id = 2;
UPDATE issue SET "index" = 2, is_closed = 1 WHERE id = 1;
DELETE FROM repository WHERE id = 2; DELETE FROM issue WHERE repo_id = 2;
INSERT INTO repository VALUES (3, 7, 'boat', 'boat', 0, NULL, 1);
DELETE FROM external_login_user; INSERT INTO external_login_user VALUES ('e', 7, 1, '[]', NULL);
"""
GITEA = Migration(
    not_carried={"version", "session"},
    sequences={f"{table}_id_seq": [f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'"]
               for table in ("user", "repository", "issue", "tracked_time")})

APPLICATIONS = {
    "vaultwarden": (VAULTWARDEN_SOURCE, VAULTWARDEN_TARGET, VAULTWARDEN_ROWS, VAULTWARDEN_LATER,
                    VAULTWARDEN, "INSERT INTO users VALUES ('u', true, now(), now(), NULL, 0, 'e', "
                    "'n', '', '', 1, '', '', 0, NULL, NULL)"),
    "gitea": (GITEA_SOURCE, GITEA_TARGET, GITEA_ROWS, GITEA_LATER, GITEA,
              "INSERT INTO \"user\" (lower_name, name, passwd) VALUES ('a', 'a', '')"),
}


def sqlite(path, script):
    db = sqlite3.connect(path)
    db.executescript(script)
    db.close()


@pytest.fixture(params=APPLICATIONS)
def application(request, scratch, target):
    return Application(request.param, scratch, target)


class Application:
    def __init__(self, name, scratch, target):
        (source, there, self.rows, self.later, self.migration, self.use) = APPLICATIONS[name]
        self.name, self.target = name, target
        self.file, self.repository = scratch / "app.db", scratch / "repository"
        target.script(there)
        sqlite(self.file, source)

    def change(self, script):
        sqlite(self.file, script)

    def sync(self, *options, expect=OK):
        result = run("sync", "--json", "-r", self.repository, "-d", self.target.conninfo,
                     "--profile", self.name, *options, self.file)
        assert result.code == expect, str(result)
        return result

    def check(self, **how):
        assert_migrated(self.file, self.target.conninfo, self.migration, **how)


def test_moves(application):
    """Empty, filled, changed in ways that cross each other, and back to what was."""
    application.sync()
    application.check()
    application.change(application.rows)
    before = shutil.copyfile(application.file, str(application.file) + ".before")
    application.sync()
    application.check()
    application.change(application.later)
    application.sync()
    application.check()
    shutil.copyfile(before, application.file)
    application.sync("--final")
    application.check()
    result = run("verify", "-r", application.repository, "-d", application.target.conninfo,
                 "--profile", application.name)
    assert result.code in (OK, SET_ASIDE), str(result)


def test_keeps_the_targets_own(application):
    """What was applied to it, and nobody's sessions."""
    def own():
        return [application.target.rows(f"SELECT * FROM public.{table}")
                for table in sorted(application.migration.not_carried)]

    before = own()
    application.change(application.rows)
    application.sync()
    assert own() == before


def test_refuses_a_database_in_use(application):
    application.target.script(application.use)
    result = application.sync(expect=MISPLACED)
    assert "unused tables" in str(result)


def test_gitea_of_another_version(scratch, target):
    application = Application("gitea", scratch, target)
    target.script("UPDATE version SET version = 306")
    result = application.sync(expect=MISPLACED)
    assert "gitea migrate" in str(result)
