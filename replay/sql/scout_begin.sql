-- A scout waits for nobody: what is locked is not worth reading ahead.
SET LOCAL lock_timeout = '10ms';
