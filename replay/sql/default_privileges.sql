-- Default privileges of schema $1 for the tables that our role creates there, as statements that give
-- them to schema $2. Tables that are made in the staging schema would not get them otherwise.
SELECT format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT %s ON TABLES TO %s%s',
              $2::text, p.privilege_type,
              CASE WHEN p.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(p.grantee)) END,
              CASE WHEN p.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS p
 WHERE d.defaclnamespace = to_regnamespace(quote_ident($1))
   AND d.defaclobjtype = 'r'
   AND d.defaclrole = current_user::regrole;
