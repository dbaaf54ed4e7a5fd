-- Takes the rows that are gone from the source out of the ledger's list, the highest copies first. Those
-- that stand aside are also taken out of the list of rows that are to be deleted from the table; those
-- that were altered are in the table. Answers how many stood aside. Nothing is known yet of how many
-- lines the two lists have, so no join is left to the planner's guess: one look-up for each hash, and
-- then their places.
WITH wanted AS (
    SELECT h, count(*) AS copies FROM pg_temp.rowferry_gone GROUP BY h
), standing AS MATERIALIZED (
    SELECT w.h, w.copies, s.line, s.copy, max(s.copy) OVER (PARTITION BY w.h) AS highest,
           min(s.outcome) OVER (PARTITION BY w.h) AS outcome
      FROM wanted AS w
     CROSS JOIN LATERAL (
           SELECT a.ctid AS line, a.copy, a.outcome
             FROM rowferry.set_aside AS a
            WHERE a.source_id = $1::uuid AND a.target_schema = $2 AND a.table_name = $3
              AND a.row_hash = w.h
           OFFSET 0) AS s
), removed AS (
    DELETE FROM rowferry.set_aside
     WHERE ctid = ANY (ARRAY(SELECT line FROM standing WHERE copy > highest - copies))
    RETURNING row_hash, copy, outcome
), cleared AS (
    DELETE FROM pg_temp.rowferry_gone AS g
     WHERE (g.h IN (SELECT h FROM standing WHERE outcome <> 'altered')) IS TRUE
)
SELECT count(*) FROM (SELECT DISTINCT row_hash, copy FROM removed WHERE outcome <> 'altered') AS r;
