SELECT max(version) FROM rowferry.version;
