-- From PostgreSQL 14 on: a long statement ends when its client was killed.
SET client_connection_check_interval = '2s';
