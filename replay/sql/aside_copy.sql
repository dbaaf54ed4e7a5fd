COPY pg_temp.rowferry_aside (place, row_hash, column_name, key, class, value, reason)
FROM STDIN (FORMAT binary);
