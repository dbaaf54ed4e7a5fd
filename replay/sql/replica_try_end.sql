ROLLBACK TO SAVEPOINT rowferry_replica; RELEASE SAVEPOINT rowferry_replica;
