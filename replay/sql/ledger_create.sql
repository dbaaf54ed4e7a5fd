CREATE SCHEMA IF NOT EXISTS rowferry;
COMMENT ON SCHEMA rowferry IS 'Ledger of rowferry: what came from which SQLite database, up to which snapshot';

CREATE TABLE rowferry.version (version integer NOT NULL);
COMMENT ON TABLE rowferry.version IS 'Version of the layout of this schema';
INSERT INTO rowferry.version VALUES (2);

CREATE TABLE rowferry.source (
    source_id        uuid        NOT NULL,
    target_schema    text        NOT NULL UNIQUE,
    state            text        NOT NULL CHECK (state IN ('loading', 'ready')),
    snapshot         bigint,
    digest           text,
    loading_snapshot bigint,
    loading_digest   text,
    staging_schema   text,
    started          timestamptz NOT NULL DEFAULT now(),
    updated          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, target_schema),
    CHECK ((state = 'ready') = (snapshot IS NOT NULL AND digest IS NOT NULL)),
    CHECK ((state = 'loading') = (loading_snapshot IS NOT NULL AND staging_schema IS NOT NULL))
);
COMMENT ON TABLE rowferry.source IS 'Which SQLite database feeds which schema, and the snapshot it stands at';
COMMENT ON COLUMN rowferry.source.digest IS 'Digest of the manifest of the snapshot';
COMMENT ON COLUMN rowferry.source.staging_schema IS 'Where a first load puts the tables until all are complete';

CREATE TABLE rowferry.relation (
    source_id     uuid        NOT NULL,
    target_schema text        NOT NULL,
    table_name    text        NOT NULL,
    relation_name text        NOT NULL,
    key_given     boolean     NOT NULL,
    owned         boolean     NOT NULL,
    kept          boolean     NOT NULL,
    rows          bigint      NOT NULL,
    digest        text        NOT NULL,
    created       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, target_schema, table_name),
    UNIQUE (target_schema, relation_name),
    FOREIGN KEY (source_id, target_schema) REFERENCES rowferry.source ON DELETE CASCADE
);
COMMENT ON TABLE rowferry.relation IS 'Tables that came from a source; those of rowferry.set_aside are counted in rows';
COMMENT ON COLUMN rowferry.relation.table_name IS 'Its name in SQLite, by which the other tables here know it';
COMMENT ON COLUMN rowferry.relation.relation_name IS 'Its name in target_schema';
COMMENT ON COLUMN rowferry.relation.key_given IS 'Its key is the one that the configuration names; SQLite declares none';
COMMENT ON COLUMN rowferry.relation.owned IS 'Whether rowferry made it; else an application did';
COMMENT ON COLUMN rowferry.relation.kept IS 'Whether rows that it had before the first load stay in it';
COMMENT ON COLUMN rowferry.relation.digest IS 'Sum of the row hashes, as in the manifest of the snapshot';

CREATE TABLE rowferry."column" (
    source_id     uuid    NOT NULL,
    target_schema text    NOT NULL,
    table_name    text    NOT NULL,
    position      integer NOT NULL,
    column_name   text    NOT NULL,
    target_name   text    NOT NULL,
    cell          integer NOT NULL,
    declared      text    NOT NULL,
    type          text    NOT NULL,
    conversion    text    NOT NULL,
    on_mismatch   text    NOT NULL CHECK (on_mismatch IN ('widen', 'set-aside', 'null', 'fail')),
    bad_text      text    NOT NULL CHECK (bad_text IN ('set-aside', 'bytea', 'strip', 'replace', 'escape')),
    asked         text    NOT NULL,
    not_null      boolean NOT NULL,
    key_part      integer NOT NULL,
    reason        text    NOT NULL,
    default_sql   text,
    generated_sql text,
    identity      text,
    widened       boolean NOT NULL,
    PRIMARY KEY (source_id, target_schema, table_name, position),
    FOREIGN KEY (source_id, target_schema, table_name) REFERENCES rowferry.relation ON DELETE CASCADE
);
COMMENT ON TABLE rowferry."column" IS 'The type that each column got when its table was created, and why';
COMMENT ON COLUMN rowferry."column".column_name IS 'Its name in SQLite';
COMMENT ON COLUMN rowferry."column".target_name IS 'Its name in the target, or in the stage of a table with lines in rowferry.computed; empty where it is not carried';
COMMENT ON COLUMN rowferry."column".cell IS 'Its place in the table in SQLite, from 0';
COMMENT ON COLUMN rowferry."column".widened IS 'Its rows forced another type on it than was declared or asked for; reason says which';
COMMENT ON COLUMN rowferry."column".on_mismatch IS 'What happens to values that do not fit';
COMMENT ON COLUMN rowferry."column".bad_text IS 'What happens to text with NUL or invalid UTF-8';
COMMENT ON COLUMN rowferry."column".asked IS 'The conversion that the configuration asked for; empty where it did not';
COMMENT ON COLUMN rowferry."column".generated_sql IS 'The expression that the server computes the column from';
COMMENT ON COLUMN rowferry."column".identity IS 'The sequence of an identity column';
COMMENT ON COLUMN rowferry."column".declared IS 'Its type in SQLite, as written';
COMMENT ON COLUMN rowferry."column".conversion IS 'Which values fit the column, and how they are written';
COMMENT ON COLUMN rowferry."column".key_part IS 'Place in the primary key, from 1; 0 for none';

CREATE TABLE rowferry.computed (
    source_id      uuid    NOT NULL,
    target_schema  text    NOT NULL,
    table_name     text    NOT NULL,
    position       integer NOT NULL,
    part           text    NOT NULL CHECK (part IN ('where', 'column', 'join')),
    name           text    NOT NULL,
    alias          text    NOT NULL,
    sql            text    NOT NULL,
    stage_position integer,
    joined         boolean NOT NULL,
    PRIMARY KEY (source_id, target_schema, table_name, position),
    FOREIGN KEY (source_id, target_schema, table_name) REFERENCES rowferry.relation ON DELETE CASCADE
);
COMMENT ON TABLE rowferry.computed IS 'How rows of tables of an application are made of the source''s by expressions; their columns in rowferry.column are those of the stage';
COMMENT ON COLUMN rowferry.computed.name IS 'The column of the target, or the table that is joined';
COMMENT ON COLUMN rowferry.computed.stage_position IS 'Of a column of the source that goes in as it is, as in rowferry.column';
COMMENT ON COLUMN rowferry.computed.joined IS 'Whether the value may depend on a table that is joined';

CREATE TABLE rowferry.index (
    source_id     uuid      NOT NULL,
    target_schema text      NOT NULL,
    table_name    text      NOT NULL,
    index_name    text      NOT NULL,
    wanted_name   text      NOT NULL,
    kind          text      NOT NULL CHECK (kind IN ('primary key', 'unique', 'unique index', 'index')),
    positions     integer[] NOT NULL,
    parts         text      NOT NULL,
    predicate     text,
    expressions   boolean   NOT NULL,
    definition    text      NOT NULL,
    carried       boolean   NOT NULL,
    stands        boolean   NOT NULL,
    reason        text,
    PRIMARY KEY (source_id, target_schema, index_name),
    FOREIGN KEY (source_id, target_schema, table_name) REFERENCES rowferry.relation ON DELETE CASCADE
);
CREATE INDEX ON rowferry.index (source_id, target_schema, table_name);
COMMENT ON TABLE rowferry.index IS 'Constraints and indexes that came with the tables';
COMMENT ON COLUMN rowferry.index.wanted_name IS 'Its name in SQLite, or the one Postgres would choose; index_name may be a shorter one';
COMMENT ON COLUMN rowferry.index.positions IS 'Of the columns that are parts of it by themselves, as in rowferry.column';
COMMENT ON COLUMN rowferry.index.parts IS 'What stands between the parentheses; predicate is what follows WHERE, expressions whether some parts are more than a column';
COMMENT ON COLUMN rowferry.index.carried IS 'False where PostgreSQL has no equal for it: then definition is that of SQLite';
COMMENT ON COLUMN rowferry.index.stands IS 'False where it is not in the table; reason says why';

CREATE TABLE rowferry."constraint" (
    source_id       uuid    NOT NULL,
    target_schema   text    NOT NULL,
    table_name      text    NOT NULL,
    constraint_name text    NOT NULL,
    wanted_name     text    NOT NULL,
    kind            text    NOT NULL CHECK (kind IN ('check', 'foreign key')),
    parent_table    text,
    definition      text    NOT NULL,
    carried         boolean NOT NULL,
    stands          boolean NOT NULL,
    valid           boolean NOT NULL,
    reason          text,
    PRIMARY KEY (source_id, target_schema, table_name, constraint_name),
    FOREIGN KEY (source_id, target_schema, table_name) REFERENCES rowferry.relation ON DELETE CASCADE
);
COMMENT ON TABLE rowferry."constraint" IS 'CHECK constraints and foreign keys that came with the tables';
COMMENT ON COLUMN rowferry."constraint".parent_table IS 'Of a foreign key: the table that it refers to, by its name in SQLite';
COMMENT ON COLUMN rowferry."constraint".carried IS 'False where PostgreSQL has no equal for it: then definition is that of SQLite';
COMMENT ON COLUMN rowferry."constraint".stands IS 'False where it is not in the table; reason says why';
COMMENT ON COLUMN rowferry."constraint".valid IS 'False where rows of the source do not satisfy it; a foreign key stands as NOT VALID then';

CREATE TABLE rowferry.set_aside (
    source_id     uuid    NOT NULL,
    target_schema text    NOT NULL,
    table_name    text    NOT NULL,
    row_hash      bytea   NOT NULL,
    copy          integer NOT NULL,
    column_name   text    NOT NULL,
    key           text,
    class         text    NOT NULL CHECK (class IN ('null', 'integer', 'real', 'text', 'blob')),
    value         bytea,
    reason        text    NOT NULL,
    outcome       text    NOT NULL CHECK (outcome IN ('set aside', 'altered', 'kept')),
    snapshot      bigint  NOT NULL,
    PRIMARY KEY (source_id, target_schema, table_name, row_hash, copy, column_name),
    FOREIGN KEY (source_id, target_schema) REFERENCES rowferry.source ON DELETE CASCADE
);
COMMENT ON TABLE rowferry.set_aside IS 'Values of the source that do not fit their column, a line for each';
COMMENT ON COLUMN rowferry.set_aside.row_hash IS 'Hash of the whole row''s content, as in the archives';
COMMENT ON COLUMN rowferry.set_aside.copy IS '1, or 1, 2, 3 … for rows that are alike in every column';
COMMENT ON COLUMN rowferry.set_aside.key IS 'JSON object with the columns of the primary key, else the rowid; blobs and text that is not UTF-8 as \x and hexadecimal digits';
COMMENT ON COLUMN rowferry.set_aside.class IS 'Storage class of the value in SQLite';
COMMENT ON COLUMN rowferry.set_aside.value IS 'Text and blob: their exact bytes. Integer and real: in digits, exactly. NULL for null, and for what is larger than 1 GB';
COMMENT ON COLUMN rowferry.set_aside.outcome IS 'set aside: the whole row is not in its table; altered: it is, with another value in its place; kept: the row is not in its table, where the application has one with its key';
COMMENT ON COLUMN rowferry.set_aside.snapshot IS 'The first snapshot of which this is so';

CREATE TABLE rowferry.object (
    source_id     uuid        NOT NULL,
    target_schema text        NOT NULL,
    object_name   text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('view', 'trigger')),
    as_written    boolean     NOT NULL,
    definition    text        NOT NULL,
    made          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, target_schema, object_name),
    FOREIGN KEY (source_id, target_schema) REFERENCES rowferry.source ON DELETE CASCADE
);
COMMENT ON TABLE rowferry.object IS 'Views and triggers of the source that were asked for and made';
COMMENT ON COLUMN rowferry.object.object_name IS 'Its name in SQLite; a view as written is called the same here';
COMMENT ON COLUMN rowferry.object.as_written IS 'The view''s own statement; otherwise SQL that the user gave';
CREATE TABLE rowferry.kept_row (
    source_id     uuid   NOT NULL,
    target_schema text   NOT NULL,
    table_name    text   NOT NULL,
    image         bytea  NOT NULL,
    FOREIGN KEY (source_id, target_schema, table_name) REFERENCES rowferry.relation ON DELETE CASCADE
);
CREATE INDEX ON rowferry.kept_row (source_id, target_schema, table_name, image);
COMMENT ON TABLE rowferry.kept_row IS 'Rows that a table of an application had before the first load, where it keeps them';
COMMENT ON COLUMN rowferry.kept_row.image IS 'SHA-256 of the columns that the source has, as Postgres sends them';

CREATE TABLE rowferry.put_aside (
    source_id     uuid   NOT NULL,
    target_schema text   NOT NULL,
    number        bigint GENERATED ALWAYS AS IDENTITY,
    relation_name text   NOT NULL,
    kind          text   NOT NULL CHECK (kind IN ('index', 'constraint', 'foreign key', 'trigger', 'rule')),
    name          text   NOT NULL,
    definition    text   NOT NULL,
    PRIMARY KEY (source_id, target_schema, number),
    FOREIGN KEY (source_id, target_schema) REFERENCES rowferry.source
);
COMMENT ON TABLE rowferry.put_aside IS 'What was dropped or disabled on tables of an application while they are loaded; empty when none is';
COMMENT ON COLUMN rowferry.put_aside.relation_name IS 'The table that has it: in target_schema for index and constraint, else with its schema';
COMMENT ON COLUMN rowferry.put_aside.definition IS 'The statement that puts it back, which the next replay runs';

CREATE TABLE rowferry.after (
    source_id     uuid        NOT NULL,
    target_schema text        NOT NULL,
    occasion      text        NOT NULL CHECK (occasion IN ('always', 'first', 'final')),
    digest        text        NOT NULL,
    snapshot      bigint      NOT NULL,
    statement     text        NOT NULL,
    ran           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, target_schema, occasion, digest),
    FOREIGN KEY (source_id, target_schema) REFERENCES rowferry.source ON DELETE CASCADE
);
COMMENT ON TABLE rowferry.after IS 'SQL of the configuration that was run with the rows, and when last';
COMMENT ON COLUMN rowferry.after.digest IS 'MD5 of statement';
COMMENT ON COLUMN rowferry.after.snapshot IS 'The one that the target came to, in the same transaction';

CREATE TABLE rowferry.load_step (
    source_id     uuid        NOT NULL,
    target_schema text        NOT NULL,
    table_name    text        NOT NULL,
    step          text        NOT NULL CHECK (step IN ('rows', 'index', 'finish', 'identity')),
    item          text        NOT NULL,
    parts         bigint,
    rows          bigint,
    set_aside     bigint,
    altered       bigint,
    left_out      bigint,
    digest        bytea,
    done          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, target_schema, table_name, step, item),
    FOREIGN KEY (source_id, target_schema) REFERENCES rowferry.source ON DELETE CASCADE
);
COMMENT ON TABLE rowferry.load_step IS 'What a first load has done; empty when none is under way';
COMMENT ON COLUMN rowferry.load_step.item IS 'rows: the first of the parts of the table that the step took; index: its name';
COMMENT ON COLUMN rowferry.load_step.rows IS 'Rows read, those set aside included';

CREATE TABLE rowferry.trip (
    trip          bigint      GENERATED ALWAYS AS IDENTITY,
    source_id     uuid        NOT NULL,
    target_schema text        NOT NULL,
    from_snapshot bigint,
    to_snapshot   bigint      NOT NULL,
    mode          text        NOT NULL CHECK (mode IN ('load', 'delta')),
    table_name    text        NOT NULL,
    inserted      bigint      NOT NULL,
    updated       bigint      NOT NULL,
    deleted       bigint      NOT NULL,
    set_aside     bigint      NOT NULL,
    altered       bigint      NOT NULL,
    widened       bigint      NOT NULL,
    left_out      bigint      NOT NULL,
    finished      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (trip)
);
COMMENT ON TABLE rowferry.trip IS 'What each trip changed, a line for each table that it touched';
COMMENT ON COLUMN rowferry.trip.altered IS 'Rows with a value that was altered to fit';
COMMENT ON COLUMN rowferry.trip.widened IS 'Columns that got another type than was declared, asked for or there, as rows forced it';
COMMENT ON COLUMN rowferry.trip.left_out IS 'Rows of the source that a rule leaves out (where)';

CREATE TABLE rowferry.guard (
    source_id     uuid  NOT NULL,
    target_schema text  NOT NULL,
    horizon       xid8  NOT NULL,
    written       xid8  NOT NULL,
    PRIMARY KEY (source_id, target_schema),
    FOREIGN KEY (source_id, target_schema) REFERENCES rowferry.source ON DELETE CASCADE
);
COMMENT ON TABLE rowferry.guard IS 'Up to where it is known that nobody but rowferry has written to the tables';
COMMENT ON COLUMN rowferry.guard.horizon IS 'What transactions before this one did was looked at';
COMMENT ON COLUMN rowferry.guard.written IS 'The transaction that wrote this line: in a copy of the database it is another, and the horizon means nothing';

CREATE TABLE rowferry.writing (
    source_id     uuid  NOT NULL,
    target_schema text  NOT NULL,
    transaction   xid8  NOT NULL DEFAULT pg_current_xact_id(),
    FOREIGN KEY (source_id, target_schema) REFERENCES rowferry.source ON DELETE CASCADE
);
CREATE INDEX ON rowferry.writing (source_id, target_schema);
COMMENT ON TABLE rowferry.writing IS 'Transactions of rowferry since the horizon, each with a line that it wrote; subtransactions have lines of their own';

CREATE VIEW rowferry.own AS
SELECT w.source_id, w.target_schema, w.transaction, w.xmin AS raw,
       w.transaction::text::bigint
       + mod(w.xmin::text::bigint - mod(w.transaction::text::bigint, 4294967296) + 4294967296, 4294967296) AS number
  FROM rowferry.writing AS w
 WHERE (w.transaction IN (SELECT t.transaction FROM rowferry.writing AS t
                           WHERE t.xmin::text::bigint = mod(t.transaction::text::bigint, 4294967296))) IS TRUE;
COMMENT ON VIEW rowferry.own IS 'The same by their own numbers; a subtransaction always has a higher one than what it is part of. Lines that a copy of the database brought along are left out: they were written by others';

CREATE TABLE rowferry.guarded (
    source_id     uuid   NOT NULL,
    target_schema text   NOT NULL,
    table_name    text   NOT NULL,
    rows          bigint NOT NULL,
    trip          bigint NOT NULL,
    PRIMARY KEY (source_id, target_schema, table_name),
    FOREIGN KEY (source_id, target_schema, table_name) REFERENCES rowferry.relation ON DELETE CASCADE
);
COMMENT ON TABLE rowferry.guarded IS 'Rows that tables were found to have, where rowferry.relation does not tell';
COMMENT ON COLUMN rowferry.guarded.trip IS 'What trips after this one did is to be added';
