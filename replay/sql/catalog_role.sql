-- Whom the server takes us for, whether it is a superuser, and whether it may make indexes in a schema.
SELECT current_user, r.rolsuper,
       coalesce(has_schema_privilege(to_regnamespace(quote_ident($1))::oid, 'CREATE'), false)
  FROM pg_roles AS r
 WHERE r.rolname = current_user;
