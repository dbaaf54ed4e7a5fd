-- Relations, columns, indexes, steps and rows set aside go with it.
DELETE FROM rowferry.source WHERE source_id = $1::uuid AND target_schema = $2;
