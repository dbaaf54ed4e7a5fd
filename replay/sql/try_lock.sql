-- Held by the session. $1 stands for the target schema.
SELECT pg_try_advisory_lock($1::bigint);
