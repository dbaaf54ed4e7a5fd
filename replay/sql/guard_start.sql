-- What is in the target now was there before rowferry wrote anything.
INSERT INTO rowferry.guard (source_id, target_schema, horizon, written)
VALUES ($1::uuid, $2, pg_snapshot_xmin(pg_current_snapshot()), pg_current_xact_id());
