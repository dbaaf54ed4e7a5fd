-- What kind of database this is, and where its files lie: in its tablespace, or in the server's
-- folder, which the server tells to some roles alone. pg_database names the provider and locale of
-- ICU in other columns from version to version, or not at all.
SELECT current_setting('server_version'),
       d.datname,
       current_user,
       coalesce(f.facts ->> 'datlocprovider', 'c'),
       coalesce(f.facts ->> 'datlocale', f.facts ->> 'daticulocale', d.datcollate),
       d.datctype,
       pg_is_in_recovery(),
       pg_database_size(d.oid),
       coalesce(nullif(pg_tablespace_location(d.dattablespace), ''),
                (SELECT setting FROM pg_settings WHERE name = 'data_directory'))
  FROM pg_database AS d, LATERAL (SELECT to_jsonb(d) AS facts) AS f
 WHERE d.datname = current_database();
