DROP TABLE pg_temp.rowferry_aside;
