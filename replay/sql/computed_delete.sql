-- Deletes, for every distinct row that is made of the stage's, as many of its like as are made. Joined
-- values are left out of {made} and {columns}: they are what the joined table says now. Rows are alike
-- when the bytes that Postgres would send of them are. {filter_t} and {filter_d} are a cheap hash of a
-- few columns, which leaves few rows to be looked at that closely.
WITH wanted AS MATERIALIZED (
    SELECT record_send(ROW({made})) AS image, count(*) AS copies
      FROM {rows}
     GROUP BY 1
), found AS (
    SELECT t.ctid AS place, record_send(ROW({columns})) AS image
      FROM ONLY {target} AS t
     WHERE {filter_t} IN (SELECT {filter_d} FROM {rows})
), numbered AS (
    SELECT place, image, row_number() OVER (PARTITION BY image) AS copy FROM found
)
DELETE FROM ONLY {target}
 WHERE ctid = ANY (ARRAY(SELECT n.place FROM numbered AS n JOIN wanted AS w USING (image)
                          WHERE n.copy <= w.copies))
