-- Deletes, for every distinct row in the list, as many of its like as the list names. {found} is one
-- keyless_found.sql, or several with UNION ALL between.
WITH wanted AS (
    SELECT record_send(ROW({columns_d})) AS image, count(*) AS copies
      FROM pg_temp.rowferry_gone AS d
     GROUP BY 1
), found AS (
    {found}
), numbered AS (
    SELECT place, image, row_number() OVER (PARTITION BY image) AS copy FROM found
)
DELETE FROM ONLY {target}
 WHERE ctid = ANY (ARRAY(SELECT n.place FROM numbered AS n JOIN wanted AS w USING (image)
                          WHERE n.copy <= w.copies))
