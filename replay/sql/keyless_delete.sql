-- Deletes, for every distinct row in the list, as many of its like as the list names. Rows are alike
-- when the bytes that Postgres would send of them are: NULLs match, -0.0 and 0.0 do not. {filter_t} and
-- {filter_d} are a cheap hash of a few columns, which leaves few rows to be looked at that closely.
WITH wanted AS (
    SELECT record_send(ROW({columns_d})) AS image, count(*) AS copies
      FROM pg_temp.rowferry_gone AS d
     GROUP BY 1
), found AS (
    SELECT t.ctid AS place, record_send(ROW({columns_t})) AS image
      FROM ONLY {target} AS t
     WHERE {filter_t} IN (SELECT {filter_d} FROM pg_temp.rowferry_gone AS d)
), numbered AS (
    SELECT place, image, row_number() OVER (PARTITION BY image) AS copy FROM found
)
DELETE FROM ONLY {target}
 WHERE ctid = ANY (ARRAY(SELECT n.place FROM numbered AS n JOIN wanted AS w USING (image)
                          WHERE n.copy <= w.copies))
