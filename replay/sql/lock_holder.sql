-- Who holds the advisory lock $1. A session that waits for its client is alive; one that works may
-- have lost it, and has not noticed yet.
SELECT a.pid, a.state, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')
  FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid::bigint = $1::bigint >> 32
   AND l.objid::bigint = $1::bigint & 4294967295;
