-- Does the target schema stand, may we create in it, and may we create schemas?
SELECT n.oid IS NOT NULL,
       coalesce(has_schema_privilege(n.oid, 'CREATE'), false),
       has_database_privilege(current_database(), 'CREATE'),
       current_database(),
       current_user
  FROM (SELECT to_regnamespace(quote_ident($1))::oid AS oid) AS n;
