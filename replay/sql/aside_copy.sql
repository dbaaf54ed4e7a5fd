COPY pg_temp.rowferry_aside (place, row_hash, column_name, key, class, value, reason, outcome)
FROM STDIN (FORMAT binary);
