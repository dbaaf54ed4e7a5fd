-- Whom the server takes us for, and whether indexes may be made in a schema.
SELECT current_user,
       coalesce(has_schema_privilege(to_regnamespace(quote_ident($1))::oid, 'CREATE'), false);
