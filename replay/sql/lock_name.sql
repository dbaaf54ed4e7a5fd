-- Held by the transaction: one at a time for whatever $1 stands for.
SELECT pg_advisory_xact_lock($1::bigint);
