-- What the tables of a schema do of themselves when rows come and go: triggers and rules that somebody
-- made. 'D' is disabled, 'O' fires where the session is an origin, 'R' where it is a replica, 'A' always.
SELECT c.relname, 'trigger', t.tgname, t.tgenabled
  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
 WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relkind IN ('r', 'p')
   AND NOT t.tgisinternal
UNION ALL
SELECT c.relname, 'rule', r.rulename, r.ev_enabled
  FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
 WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relkind IN ('r', 'p')
 ORDER BY 1, 2, 3;
