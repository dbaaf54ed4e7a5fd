-- Copies are numbered on from those that stand aside already. The caller holds the table's lock.
INSERT INTO rowferry.set_aside (source_id, target_schema, table_name, row_hash, copy, column_name, key,
                                class, value, reason, outcome, snapshot)
SELECT $1::uuid, $2, $3, a.row_hash,
       coalesce(s.highest, 0) + dense_rank() OVER (PARTITION BY a.row_hash ORDER BY a.place),
       a.column_name, a.key, a.class, a.value, a.reason, a.outcome, $4::bigint
  FROM pg_temp.rowferry_aside AS a
  LEFT JOIN (SELECT row_hash, max(copy) AS highest
               FROM rowferry.set_aside
              WHERE source_id = $1::uuid AND target_schema = $2 AND table_name = $3
                AND row_hash IN (SELECT row_hash FROM pg_temp.rowferry_aside)
              GROUP BY row_hash) AS s USING (row_hash);
