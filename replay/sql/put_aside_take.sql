-- First thing in the transaction that puts it back. Nothing is deleted where that is done already; when
-- another transaction is at it, this waits to see how that ends.
DELETE FROM rowferry.put_aside
 WHERE source_id = $1::uuid AND target_schema = $2 AND number = $3::bigint;
