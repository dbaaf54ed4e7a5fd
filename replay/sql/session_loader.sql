-- For connections that fill tables which nobody sees yet. A chunk that a crash of the server takes
-- back takes its line in load_step along, and is loaded again; the last transaction, which shows the
-- tables, waits for the disk as the user's settings say, and with it for everything before it.
SET synchronous_commit = off;
SELECT set_config('maintenance_work_mem', '128MB', false)
 WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('128MB');
