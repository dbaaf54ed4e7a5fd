UPDATE rowferry.load_step
   SET rows = $6::bigint, set_aside = $7::bigint, altered = $8::bigint, left_out = $9::bigint,
       digest = $10, done = clock_timestamp()
 WHERE source_id = $1::uuid AND target_schema = $2 AND table_name = $3 AND step = $4 AND item = $5;
