DROP TABLE IF EXISTS pg_temp.rowferry_gone
