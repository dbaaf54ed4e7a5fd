-- All up to $3 is looked at. What the transaction that says so writes itself has a line of its own.
-- There are as many lines as tables after a first load, and no statistics of them: NOT IN is hashed
-- whatever the server takes them for.
WITH moved AS (
    INSERT INTO rowferry.guard (source_id, target_schema, horizon, written)
    VALUES ($1::uuid, $2, $3::bigint::text::xid8, pg_current_xact_id())
    ON CONFLICT (source_id, target_schema)
    DO UPDATE SET horizon = excluded.horizon, written = excluded.written
), forgotten AS (
    DELETE FROM rowferry.writing AS w
     WHERE w.source_id = $1::uuid AND w.target_schema = $2
       AND w.transaction NOT IN (SELECT o.transaction FROM rowferry.own AS o
                                  WHERE o.number >= $3::bigint)
)
INSERT INTO rowferry.writing (source_id, target_schema) VALUES ($1::uuid, $2);
