"""Keys: who wrote a repository shows, and what anybody else did to it is refused.

Each tampering is done by somebody who makes all checksums, digests, names and links fit again
(forge.py): where it says so, verify without a trusted key finds nothing wrong with it.
"""

import hashlib
import shutil
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

import forge
from compare import assert_same
from program import DAMAGED, MISPLACED, OK, STORAGE, USAGE, Ferry, published, run, settings

rfa = forge.rfa


def keygen(path):
    run("keygen", "-o", path, "-q")
    return path


def public(secret):
    return Path(f"{secret}.pub")


def change(database, *statements):
    db = sqlite3.connect(database)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


# The keys themselves

def test_keygen_makes_a_pair_that_openssl_knows(scratch):
    result = run("keygen", "--json", "-o", scratch / "app.key")
    assert result.code == OK, str(result)
    secret, half = scratch / "app.key", scratch / "app.key.pub"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert result.summary["secret_key"] == str(secret)
    assert result.summary["public_key"] == str(half)
    assert forge.openssl("pkey", "-in", secret, "-pubout") == half.read_bytes()
    assert result.summary["fingerprint"] == f"ed25519:{forge.public_bytes(secret).hex()}"
    assert b"ED25519" in forge.openssl("pkey", "-in", secret, "-text", "-noout").upper()


def test_keygen_replaces_nothing(scratch):
    run("keygen", cwd=scratch)
    before = {name: (scratch / name).read_bytes() for name in ("rowferry.key", "rowferry.key.pub")}
    again = run("keygen", "--json", cwd=scratch)
    assert again.code == USAGE and "there already" in again.error["what"], str(again)
    assert {path.name: path.read_bytes() for path in scratch.iterdir()} == before
    (scratch / "rowferry.key.pub").unlink()  # as after a run that was cut off
    again = run("keygen", "--json", cwd=scratch)
    assert again.code == OK and again.summary["made_secret"] is False, str(again)
    assert {path.name: path.read_bytes() for path in scratch.iterdir()} == before


@pytest.mark.parametrize("where, code", [("-", USAGE), ("no/folder/k", STORAGE), ("", USAGE)])
def test_keygen_into_no_file(scratch, where, code):
    result = run("keygen", "--json", "-o", where, cwd=scratch)
    assert result.code == code and not list(scratch.iterdir()), str(result)


def test_keys_that_cannot_be_used(scratch):
    """Told before anything is made."""
    change(scratch / "a.db", "CREATE TABLE t (a)")
    key = keygen(scratch / "k")
    rsa = scratch / "rsa"
    forge.openssl("genpkey", "-algorithm", "RSA", "-out", rsa)
    forge.openssl("pkey", "-in", rsa, "-pubout", "-out", f"{rsa}.pub")
    rsa.chmod(0o600)
    locked = scratch / "locked"
    forge.openssl("pkey", "-in", key, "-aes256", "-passout", "pass:word", "-out", locked)
    locked.chmod(0o600)
    (scratch / "empty").touch(0o600)
    repository = scratch / "repo"
    for option, path, code in (("--sign-key", public(key), USAGE), ("--sign-key", rsa, USAGE),
                               ("--sign-key", locked, USAGE),
                               ("--sign-key", scratch / "empty", USAGE),
                               ("--sign-key", scratch / "none", STORAGE),
                               ("--trusted-key", key, USAGE),
                               ("--trusted-key", public(rsa), USAGE),
                               ("--trusted-key", scratch / "empty", USAGE),
                               ("--trusted-key", scratch / "none", STORAGE)):
        options = [option, path, *(["--sign-key", key] if option != "--sign-key" else [])]
        result = run("capture", "--json", "-r", repository, *options, scratch / "a.db")
        assert result.code in (code, USAGE if code == STORAGE else code), f"{option} {path}\n{result}"
        assert str(path) in result.error["what"] or code == STORAGE, str(result)
        assert not repository.exists(), f"{option} {path}"
    key.chmod(0o640)
    result = run("capture", "--json", "-r", repository, "--sign-key", key, scratch / "a.db")
    assert result.code == USAGE and "chmod 600" in result.error["hint"], str(result)
    assert not repository.exists()


def test_keys_that_openssl_made(archive_only, scratch):
    key = scratch / "k"
    forge.openssl("genpkey", "-algorithm", "ED25519", "-out", key)
    key.chmod(0o600)
    forge.openssl("pkey", "-in", key, "-pubout", "-out", public(key))
    change(scratch / "a.db", "CREATE TABLE t (a)")
    archive_only.capture(scratch / "a.db", "--sign-key", key)
    archive_only.verify_repository("--trusted-key", public(key))


# What is signed

def test_the_signature_is_that_of_openssl(archive_only, scratch):
    """Taken apart by SPEC.md, it holds for openssl, and names every file."""
    key = keygen(scratch / "k")
    change(scratch / "a.db", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    for value in (2, 3):
        archive_only.capture(scratch / "a.db", "--sign-key", key)
        change(scratch / "a.db", f"INSERT INTO t VALUES ({value})")
    forger = forge.Forger(archive_only.repository, scratch)
    for number in (1, 2):
        _, message, seal = forge.open_up(forger.manifest_path(number).read_bytes())
        assert seal[:32] == forge.public_bytes(key)
        (scratch / "m").write_bytes(message)
        (scratch / "s").write_bytes(seal[32:])
        check = ["pkeyutl", "-verify", "-pubin", "-inkey", public(key), "-rawin", "-in",
                 scratch / "m", "-sigfile", scratch / "s"]
        assert b"Verified Successfully" in forge.openssl(*check)
        (scratch / "m").write_bytes(message[:-1] + bytes([message[-1] ^ 1]))
        with pytest.raises(subprocess.CalledProcessError):
            forge.openssl(*check)
        manifest = rfa.Manifest(forger.manifest_path(number).read_bytes())
        for reference in manifest.tables[0].state:
            data = (archive_only.repository / "archives" / reference.name).read_bytes()
            assert reference.sha256 == hashlib.sha256(data).digest()
    first = hashlib.sha256(forger.manifest_path(1).read_bytes()).digest()
    assert manifest.parent_sha256 == first


def test_who_signed_is_told(archive_only, scratch):
    key = keygen(scratch / "k")
    fingerprint = f"ed25519:{forge.public_bytes(key).hex()}"
    change(scratch / "a.db", "CREATE TABLE t (a)")
    archive_only.capture(scratch / "a.db")
    assert archive_only.command("show", expect=OK).of_type("snapshot")[0]["signed_by"] is None
    summary = archive_only.verify_repository().summary
    assert summary["signed"] == 0 and summary["signed_by"] is None
    change(scratch / "a.db", "INSERT INTO t VALUES (1)")
    archive_only.capture(scratch / "a.db", "--sign-key", key)
    shown = archive_only.command("show", expect=OK).of_type("snapshot")[0]
    assert shown["signed_by"] == fingerprint
    assert f"signed by     {fingerprint}" in run("show", "-r", archive_only.repository).out
    summary = archive_only.verify_repository().summary
    assert summary["signed"] == 1 and summary["signed_by"] == fingerprint
    assert "2 snapshots, 1 of them signed" in run("verify", "-r", archive_only.repository).out


def test_where_keys_are_named(archive_only, scratch):
    """Environment and file, whose paths are relative to its folder; what writes and what reads take
    from it what they need."""
    key = keygen(scratch / "k")
    other = keygen(scratch / "other")
    change(scratch / "a.db", "CREATE TABLE t (a)")
    config = settings(scratch, "sign_key: k\ntrusted_keys: [other.pub, k.pub]\n")
    archive_only.capture(scratch / "a.db", *config)
    for command in ("log", "show", "status", "verify"):
        archive_only.command(command, *config, expect=OK)
        archive_only.command(command, "--trusted-key", public(other), expect=DAMAGED)
    change(scratch / "a.db", "INSERT INTO t VALUES (1)")
    archive_only.capture(scratch / "a.db", env={"ROWFERRY_SIGN_KEY": str(key)})
    assert archive_only.verify_repository("--trusted-key", public(key)).summary["signed"] == 2
    config = settings(scratch, "trusted_keys: []\n")
    archive_only.verify_repository(*config, expect=USAGE)


# A history that is signed, and goes on so

def test_a_signed_history_goes_on_signed(archive_only, scratch):
    key, new = keygen(scratch / "k"), keygen(scratch / "new")
    database = scratch / "a.db"
    change(database, "CREATE TABLE t (a)")
    archive_only.capture(database)
    change(database, "INSERT INTO t VALUES (1)")
    archive_only.capture(database, "--sign-key", key)
    before = published(archive_only.repository)
    change(database, "INSERT INTO t VALUES (2)")
    for options in ([], ["-n"]):
        result = archive_only.capture(database, *options, expect=USAGE)
        assert "snapshot 2 is signed" in result.error["what"], str(result)
    for options in (["--trusted-key", public(key)],
                    ["--trusted-key", public(key), "--sign-key", new]):
        archive_only.capture(database, *options, expect=USAGE)
    assert published(archive_only.repository) == before
    archive_only.capture(database, "--sign-key", new)
    both = ["--trusted-key", public(key), "--trusted-key", public(new)]
    result = archive_only.verify_repository(*both, expect=DAMAGED)
    assert [line["file"] for line in result.of_type("damage")] == [
        f"snapshots/{forge.Forger(archive_only.repository, scratch).manifest_path(1).name}"], \
        "the first is not signed"


def test_trust_begins_with_the_first_signed_snapshot(ferry, scratch):
    key = keygen(scratch / "k")
    database = scratch / "a.db"
    change(database, "CREATE TABLE t (a)")
    ferry.capture(database)
    change(database, "INSERT INTO t VALUES (1)")
    ferry.capture(database, "--sign-key", key)
    ferry.replay("-s", "1", "--trusted-key", public(key), expect=DAMAGED)
    ferry.replay("--trusted-key", public(key))
    assert_same(database, ferry.target)


def test_sync_signs_and_trusts(ferry, scratch):
    key = keygen(scratch / "k")
    keys = ["--sign-key", key, "--trusted-key", public(key)]
    database = scratch / "a.db"
    change(database, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    for value in (2, 3, 4):
        ferry.command("sync", *keys, database, target=True, expect=OK)
        assert_same(database, ferry.target)
        change(database, f"INSERT INTO t VALUES ({value})")
    ferry.command("sync", *keys, "--final", database, target=True, expect=OK)
    ferry.command("sync", "--trusted-key", public(key), database, target=True, expect=USAGE)
    ferry.command("sync", database, target=True, expect=USAGE)
    assert ferry.target.stands_at() == 4


# What a carrier may try

NOISE = "randomblob(300)"  # archives that differ from run to run


class History:
    """Three signed snapshots of a database, of which one target has the first."""

    def __init__(self, folder, at_one, empty):
        self.folder, self.at_one, self.empty = folder, at_one, empty
        self.pristine = folder / "pristine"
        self.key, self.other = keygen(folder / "k"), keygen(folder / "other")
        self.stranger = keygen(folder / "stranger")
        self.trust = ["--trusted-key", public(self.other), "--trusted-key", public(self.key)]
        database = folder / "a.db"
        change(database, "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT, noise BLOB)",
               "CREATE TABLE aside (a)", "INSERT INTO aside VALUES ('same')",
               f"INSERT INTO account VALUES (1, 'the first', {NOISE})")
        ferry = Ferry(self.pristine, at_one)
        ferry.capture(database, "--sign-key", self.key)
        ferry.replay(*self.trust)
        shutil.copy(database, folder / "one.db")
        for number in (2, 3):
            change(database, f"INSERT INTO account VALUES ({number}, 'honest {number}', {NOISE})")
            ferry.capture(database, "--sign-key", self.key)
        shutil.copytree(self.pristine, folder / "elsewhere")
        self.elsewhere = Ferry(folder / "another")
        change(folder / "b.db", "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT)")
        for number in (1, 2, 3):
            change(folder / "b.db", f"INSERT INTO account VALUES ({number}, 'other')")
            self.elsewhere.capture(folder / "b.db", "--sign-key", self.key)


@pytest.fixture(scope="module")
def history(server, tmp_path_factory):
    at_one, empty = server.create(), server.create()
    made = History(tmp_path_factory.mktemp("trust"), at_one, empty)
    yield made
    assert_same(made.folder / "one.db", at_one)
    at_one.drop()
    empty.drop()


def strip(forger, history):
    return None


def keep(forger, history):
    return "kept"


def another(forger, history):
    return forger.sealer(history.stranger)


def borrowed(forger, history):
    return forger.sealer(history.stranger, forge.public_bytes(history.key))


SEALS = {"stripped": strip, "kept": keep, "another's": another, "in another's name": borrowed}
# What does not even look sound: the signature is there and is none.
BROKEN = ("kept", "in another's name")


@pytest.fixture
def carried(history, scratch):
    """A copy at a carrier's mercy."""
    repository = scratch / "repo"
    shutil.copytree(history.pristine, repository)
    return forge.Forger(repository, scratch)


def assert_refused(history, forger, *, sound, replays=("at_one", "empty")):
    """With a trusted key, by all that read; `sound`: without, verify finds nothing."""
    before = published(forger.repository)
    plain = Ferry(forger.repository)
    plain.verify_repository(expect=OK if sound else DAMAGED)
    result = plain.verify_repository(*history.trust, expect=DAMAGED)
    assert result.of_type("damage"), str(result)
    for name in replays:
        target = getattr(history, name)
        Ferry(forger.repository, target).replay(*history.trust, expect=DAMAGED)
        assert_untouched(history)
    out = forger.scratch / "restored.db"
    for command in (["restore", "-o", out], ["diff"]):
        if "empty" in replays:
            plain.command(*command, *history.trust, expect=DAMAGED)
            assert not out.exists()
    if sound:
        assert_not_imported(history, forger)
    assert published(forger.repository) == before


def assert_not_imported(history, forger):
    """A stream of it is refused, and what had arrived by then is what the key's holder wrote."""
    stream, there = forger.scratch / "stream", Ferry(forger.scratch / "there")
    Ferry(forger.repository).command("export", "-o", stream, expect=OK)
    there.command("import", *history.trust, stream, expect=DAMAGED)
    if there.repository.exists():
        there.verify_repository(*history.trust)
    there.command("import", stream, expect=OK)


def assert_untouched(history):
    assert history.at_one.stands_at() == 1
    assert history.at_one.rows("SELECT id, name FROM account") == [["1", "the first"]]
    assert history.empty.tables() == []


@pytest.mark.parametrize("how", SEALS)
def test_a_row_that_was_changed(history, carried, how):
    carried.forge_row(b"account", b"honest 2", b"robber 2", 3, SEALS[how](carried, history))
    _, rows, _ = rfa.read_state(carried.repository, "3", "account")
    assert any(cell.value == b"robber 2" for row in rows for cell in row.cells), "the forger failed"
    assert_refused(history, carried, sound=how not in BROKEN)


@pytest.mark.parametrize("how", ["stripped", "in another's name"])
def test_a_manifest_that_was_changed(history, carried, how):
    """Another time of capture; no archive is touched."""
    carried.reseal(1, 3, SEALS[how](carried, history),
                   lambda number, body: body[:80] + bytes(8) + body[88:])
    assert_refused(history, carried, sound=how not in BROKEN)


@pytest.mark.parametrize("how", ["kept", "another's"])
def test_a_snapshot_taken_out_of_the_middle(history, carried, how):
    """The third becomes the second, upon the first."""
    body = carried.link(2, carried.body(3))
    seal = carried.seal(3) if how == "kept" else another(carried, history)
    body = (2).to_bytes(8, "little") + (1).to_bytes(8, "little") + body[16:]
    carried.manifest_path(3).unlink()
    carried.write_manifest(2, body, seal)
    assert_refused(history, carried, sound=False)


@pytest.mark.parametrize("how", ["stripped", "another's"])
def test_a_fold_that_nobody_asked_for(history, carried, how):
    """It would have the history begin with the last snapshot."""
    carried.add_fold(3, SEALS[how](carried, history))
    assert Ferry(carried.repository).command("show", expect=OK)
    assert_refused(history, carried, sound=True)


def test_a_signature_of_another_snapshot(history, carried):
    seal = carried.seal(3)
    carried.reseal(2, 2, seal)
    assert_refused(history, carried, sound=False, replays=["at_one"])


def test_a_signature_of_another_repository(history, carried):
    seal = forge.Forger(history.elsewhere.repository, carried.scratch).seal(3)
    carried.reseal(3, 3, seal)
    assert_refused(history, carried, sound=False)


def test_a_manifest_of_another_repository(history, carried):
    """Signed by the trusted key, and of another source."""
    other = forge.Forger(history.elsewhere.repository, carried.scratch).manifest_path(3)
    carried.manifest_path(3).unlink()
    shutil.copy(other, carried.repository / "snapshots")
    assert_refused(history, carried, sound=False)


def test_manifests_in_each_others_place(history, carried):
    second, third = carried.manifest_path(2), carried.manifest_path(3)
    names = second.name, third.name
    second.rename(third.with_name(f"0000000003-{names[0][11:]}"))
    third.rename(second.with_name(f"0000000002-{names[1][11:]}"))
    assert_refused(history, carried, sound=False)


def test_a_manifest_taken_away(history, carried, target):
    """verify misses it; what is left is what the key's holder wrote, and leads to the same rows."""
    ferry = Ferry(carried.repository, target)
    ferry.replay(*history.trust, "-s", "1")
    carried.manifest_path(2).unlink()
    assert_refused(history, carried, sound=False, replays=[])
    ferry.replay(*history.trust, expect=DAMAGED)
    ferry.replay(*history.trust, "--to", "3")
    assert_same(history.folder / "a.db", target)


def archives_of(forger, number):
    manifest = rfa.Manifest(forger.manifest_path(number).read_bytes())
    found, = (table for table in manifest.tables if table.description.name == b"account")
    return found


def test_an_archive_of_before(history, carried):
    """Under the name of what changed since: a file of another size has come in part, so that the
    newest that is whole is the one before, which a carrier can have in any case; one of the same size is
    refused."""
    old, new = archives_of(carried, 2).state[-1], archives_of(carried, 3).state[-1]
    folder = carried.repository / "archives"
    data = (folder / old.name).read_bytes()
    (folder / new.name).write_bytes(data.ljust(new.size, b"\0")[:new.size])
    assert_refused(history, carried, sound=False)
    (folder / new.name).write_bytes(data + b"\0")
    Ferry(carried.repository, history.at_one).replay(*history.trust, "-s", "3", expect=DAMAGED)
    assert_untouched(history)


def test_an_archive_with_the_digest_of_another(history, carried):
    """As if two files had one XXH3: the manifest, signed with the right key, says another SHA-256 than
    that of the file, whose digest fits."""
    seal = carried.sealer(history.key)
    state = archives_of(carried, 3).state
    wrong = state[-1]._replace(sha256=bytes(32))

    def rewrite(number, body):
        return body.replace(forge.reference_bytes(state[-1]), forge.reference_bytes(wrong))

    carried.reseal(3, 3, seal, rewrite)
    assert_refused(history, carried, sound=True)


def test_a_parent_with_the_digest_of_another(history, carried):
    carried.reseal(3, 3, carried.sealer(history.key),
                   lambda number, body: body[:32] + bytes(32) + body[64:])
    assert_refused(history, carried, sound=True)


def test_another_source_in_the_file_that_says_so(history, carried):
    carried.rename_source("00000000-0000-4000-8000-000000000000")
    assert_refused(history, carried, sound=False)


def test_another_repository_in_its_place(history, carried, scratch):
    """Unsigned, it is refused; signed by the same key, by a target that has the first one's rows."""
    shutil.rmtree(carried.repository)
    shutil.copytree(history.elsewhere.repository, carried.repository)
    Ferry(carried.repository).verify_repository(*history.trust)
    Ferry(carried.repository, history.at_one).replay(*history.trust, expect=MISPLACED)
    assert_untouched(history)
    carried.reseal(1, 3, None)
    assert_refused(history, carried, sound=True, replays=["empty"])


def test_a_capture_upon_what_was_changed(history, carried):
    """The key would vouch for it from then on."""
    carried.forge_row(b"account", b"honest 2", b"robber 2", 3, None)
    before = published(carried.repository)
    for command in (["capture"], ["sync", "-d", history.empty.conninfo]):
        Ferry(carried.repository).command(*command, "--sign-key", history.key, *history.trust,
                                          history.folder / "b.db", expect=DAMAGED)
    assert published(carried.repository) == before
    assert_untouched(history)


def test_the_stranger_is_trusted_by_nobody(history, carried):
    """And the holder of the key by nobody who trusts only others."""
    for trusted in (history.stranger, history.other):
        Ferry(carried.repository, history.empty).replay("--trusted-key", public(trusted),
                                                        expect=DAMAGED)
    assert_untouched(history)


def test_what_nobody_touched_is_taken(history, carried, target):
    """By whoever trusts the key, among others, and in whatever order these come."""
    ferry = Ferry(carried.repository, target)
    keys = [public(key) for key in (history.key, history.other, history.stranger)]
    for order in (keys, keys[::-1], keys[:1]):
        trust = [word for key in order for word in ("--trusted-key", key)]
        ferry.verify_repository(*trust)
        ferry.command("log", *trust, expect=OK)
        ferry.replay(*trust)
        ferry.verify(*trust)
    assert_same(history.folder / "a.db", target)
    ferry.replay(*trust, "--to", "1")  # by archives that nobody signed: they are made of those that are
    assert_same(history.folder / "one.db", target)
    ferry.command("diff", "1", "3", *trust, expect=OK)
    ferry.command("restore", *trust, "-o", carried.scratch / "restored.db", expect=OK)
    ferry.command("export", *trust, "-o", carried.scratch / "stream", expect=OK)
    there = Ferry(carried.scratch / "there")
    there.command("import", *trust, carried.scratch / "stream", expect=OK)
    assert published(there.repository) == published(carried.repository)


def test_what_prune_leaves_is_signed_too(history, carried, target):
    ferry = Ferry(carried.repository, target)
    ferry.replay(*history.trust, "-s", "1")
    before = published(carried.repository)
    prune = ["prune", "--keep-last", "1"]
    for options in ([], history.trust, ["-n"]):
        ferry.command(*prune, *options, expect=USAGE)
    assert published(carried.repository) == before
    shutil.copytree(carried.repository, carried.scratch / "mine")
    ferry.command(*prune, "--sign-key", history.stranger, expect=OK)
    ferry.verify_repository()
    ferry.verify_repository(*history.trust, expect=DAMAGED)
    ferry.replay(*history.trust, expect=DAMAGED)
    assert target.stands_at() == 1
    ferry = Ferry(carried.scratch / "mine", target)
    ferry.command(*prune, "--target", target.conninfo, "--sign-key", history.key, *history.trust,
                  expect=OK)
    ferry.verify_repository(*history.trust)
    ferry.replay(*history.trust)
    assert_same(history.folder / "a.db", target)


def test_the_newest_can_be_withheld(history, carried, target):
    """The one thing that a signature cannot prevent, as the manual says."""
    carried.manifest_path(3).unlink()
    ferry = Ferry(carried.repository, target)
    ferry.replay(*history.trust)
    ferry.verify(*history.trust)
    assert target.stands_at() == 2
