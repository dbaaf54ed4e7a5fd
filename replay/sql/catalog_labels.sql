-- The labels of the enumerations that columns of a schema have, a line each.
SELECT DISTINCT n.nspname, t.typname, e.enumlabel, e.enumsortorder
  FROM pg_enum AS e
  JOIN pg_type AS t ON t.oid = e.enumtypid
  JOIN pg_namespace AS n ON n.oid = t.typnamespace
 ORDER BY n.nspname, t.typname, e.enumsortorder;
