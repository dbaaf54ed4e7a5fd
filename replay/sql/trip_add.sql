INSERT INTO rowferry.trip (source_id, target_schema, from_snapshot, to_snapshot, mode, table_name,
                           inserted, updated, deleted, set_aside, altered, widened, left_out)
VALUES ($1::uuid, $2, nullif($3::bigint, 0), $4::bigint, $5, $6, $7::bigint, $8::bigint, $9::bigint,
        $10::bigint, $11::bigint, $12::bigint, $13::bigint);
