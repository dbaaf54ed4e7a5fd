-- What kind of database this is, whether it can be written to, and who asks. pg_database names the
-- provider and locale of ICU in other columns from version to version, or not at all.
SELECT current_setting('server_version'),
       d.datname,
       current_user,
       coalesce(f.facts ->> 'datlocprovider', 'c'),
       coalesce(f.facts ->> 'datlocale', f.facts ->> 'daticulocale', d.datcollate),
       d.datctype,
       pg_is_in_recovery(),
       current_setting('default_transaction_read_only') = 'on',
       coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false)
  FROM pg_database AS d, LATERAL (SELECT to_jsonb(d) AS facts) AS f
 WHERE d.datname = current_database();
