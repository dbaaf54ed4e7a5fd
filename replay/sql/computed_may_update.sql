-- Whether the role may write joined values into a table: $1 is its name, quoted and qualified.
SELECT coalesce(has_table_privilege(to_regclass($1), 'UPDATE'), false);
