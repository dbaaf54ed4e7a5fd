SELECT to_regnamespace('rowferry') IS NOT NULL, to_regclass('rowferry.version') IS NOT NULL;
