-- While tables of an application are held, the ledger's own foreign keys do not act either: here they do.
-- A row comes back where they were held.
SELECT set_config('session_replication_role', 'origin', true)
 WHERE current_setting('session_replication_role') <> 'origin';
