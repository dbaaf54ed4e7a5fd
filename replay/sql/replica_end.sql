-- The rest of the transaction is as the application's own: triggers and foreign keys act again.
SELECT set_config('session_replication_role', 'origin', true)
 WHERE current_setting('session_replication_role') = 'replica';
