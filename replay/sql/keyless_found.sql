-- Rows that may be like one in the list, with their images. Rows are alike when the bytes that Postgres
-- would send of them are: NULLs match, -0.0 and 0.0 do not. {filter_t} and {filter_d} are a cheap hash of
-- a few columns, which leaves few rows to be looked at that closely; {narrow} is nothing, or what an
-- index answers, and AND.
SELECT t.ctid AS place, record_send(ROW({columns_t})) AS image
  FROM ONLY {target} AS t
 WHERE {narrow}{filter_t} IN (SELECT {filter_d} FROM pg_temp.rowferry_gone AS d)
