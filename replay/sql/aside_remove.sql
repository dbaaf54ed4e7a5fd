-- Takes the rows that are gone from the source out of the ledger's list, the highest copies first. Those
-- that stand aside are also taken out of the list of rows that are to be deleted from the table; those
-- that were altered are in the table. Answers how many stood aside.
WITH wanted AS (
    SELECT h, count(*) AS copies FROM pg_temp.rowferry_gone GROUP BY h
), standing AS (
    SELECT s.row_hash, max(s.copy) AS highest, min(s.outcome) AS outcome
      FROM rowferry.set_aside AS s JOIN wanted AS w ON w.h = s.row_hash
     WHERE s.source_id = $1::uuid AND s.target_schema = $2 AND s.table_name = $3
     GROUP BY s.row_hash
), removed AS (
    DELETE FROM rowferry.set_aside AS s
     USING wanted AS w, standing AS t
     WHERE s.source_id = $1::uuid AND s.target_schema = $2 AND s.table_name = $3
       AND s.row_hash = w.h AND t.row_hash = w.h AND s.copy > t.highest - w.copies
    RETURNING s.row_hash, s.copy, s.outcome
), cleared AS (
    DELETE FROM pg_temp.rowferry_gone AS g USING standing AS t
     WHERE g.h = t.row_hash AND t.outcome <> 'altered'
)
SELECT count(*) FROM (SELECT DISTINCT row_hash, copy FROM removed WHERE outcome <> 'altered') AS r;
