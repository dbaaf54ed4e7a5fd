-- Settings that a large load, or the application after it, may feel; sizes in bytes, and in the
-- order in which they are told. What this session has set for itself is no matter: reset_val.
SELECT s.name,
       s.reset_val,
       CASE WHEN s.unit IS NOT NULL THEN pg_size_bytes(current_setting(s.name)) END
  FROM unnest(ARRAY['shared_buffers', 'effective_cache_size', 'maintenance_work_mem', 'work_mem',
                    'autovacuum_work_mem', 'max_wal_size', 'fsync', 'full_page_writes',
                    'synchronous_commit', 'wal_level'])
       WITH ORDINALITY AS w (name, place)
  JOIN pg_settings AS s USING (name)
 ORDER BY w.place;
