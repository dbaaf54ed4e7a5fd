-- From which transaction on rows are to be looked at, whether that can be told from their xmin, and
-- whether all that committed since was rowferry's own: then there is nothing to look at. $3: the
-- horizon that this run has found already.
WITH now AS MATERIALIZED (
    SELECT pg_snapshot_xmin(s)::text::bigint AS oldest, pg_snapshot_xmax(s)::text::bigint AS next
      FROM pg_current_snapshot() AS s
), known AS MATERIALIZED (
    SELECT coalesce($3::bigint, g.horizon::text::bigint) AS horizon,
           g.xmin::text::bigint = mod(g.written::text::bigint, 4294967296) AS original
      FROM rowferry.guard AS g
     WHERE g.source_id = $1::uuid AND g.target_schema = $2
), frame AS MATERIALIZED (
    SELECT coalesce(k.horizon, 0) AS horizon, n.oldest, n.next,
           coalesce(k.original AND k.horizon <= n.next AND n.next - k.horizon < 2000000000,
                    false) AS sound
      FROM now AS n LEFT JOIN known AS k ON true
)
SELECT f.horizon, f.oldest, f.next, f.sound,
       f.sound AND f.next - f.horizon <= 200000 AND NOT EXISTS (
           SELECT FROM generate_series(f.horizon, least(f.next, f.horizon + 200000) - 1) AS x
            WHERE x NOT IN (SELECT o.number FROM rowferry.own AS o)
              AND coalesce(pg_xact_status(x::text::xid8), '') NOT IN ('aborted', 'in progress'))
  FROM frame AS f;
