UPDATE rowferry."column"
   SET default_sql = NULL, generated_sql = NULL
 WHERE source_id = $1::uuid AND target_schema = $2 AND table_name = $3;
