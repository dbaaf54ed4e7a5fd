-- Every name that a table or an index could not take in that schema.
SELECT c.relname
  FROM pg_class AS c
 WHERE c.relnamespace = to_regnamespace(quote_ident($1))
UNION
SELECT t.typname
  FROM pg_type AS t
 WHERE t.typnamespace = to_regnamespace(quote_ident($1)) AND t.typname !~ '^_';
