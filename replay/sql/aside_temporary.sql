-- Where the misfits of one transaction are gathered; `place` tells rows that are alike apart.
CREATE TEMPORARY TABLE pg_temp.rowferry_aside (
    place bigint, row_hash bytea, column_name text, key text, class text, value bytea, reason text,
    outcome text
) ON COMMIT DROP;
