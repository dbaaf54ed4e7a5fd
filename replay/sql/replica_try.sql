-- Fails where the role may not hold triggers and foreign keys off like this.
SAVEPOINT rowferry_replica; SET LOCAL session_replication_role = replica;
