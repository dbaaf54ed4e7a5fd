-- All sequences of the database: what decides whether and how far each can be moved on. $1 is the
-- target's schema.
SELECT s.oid::bigint, n.nspname, s.relname, coalesce(n.oid = to_regnamespace(quote_ident($1)), false),
       q.seqincrement, q.seqmin, q.seqmax,
       coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(s.oid, 'SELECT')
                AND has_sequence_privilege(s.oid, 'UPDATE'), false)
  FROM pg_sequence AS q
  JOIN pg_class AS s ON s.oid = q.seqrelid
  JOIN pg_namespace AS n ON n.oid = s.relnamespace
 ORDER BY s.oid;
