INSERT INTO rowferry.guarded (source_id, target_schema, table_name, rows, trip)
SELECT $1::uuid, $2, $3, $4::bigint, coalesce(max(trip), 0) FROM rowferry.trip
ON CONFLICT (source_id, target_schema, table_name)
DO UPDATE SET rows = excluded.rows, trip = excluded.trip;
