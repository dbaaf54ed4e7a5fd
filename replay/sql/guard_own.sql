-- The transactions of rowferry from the horizon on, as the xmin of rows has them: by their distance from
-- the horizon around the circle of numbers, in runs without a gap, each with its first and the one
-- behind its last.
SELECT min(y.distance), max(y.distance) + 1
  FROM (SELECT x.distance, x.distance - row_number() OVER (ORDER BY x.distance) AS run
          FROM (SELECT DISTINCT mod(o.raw::text::bigint - mod($1::bigint, 4294967296) + 4294967296,
                                    4294967296) AS distance
                  FROM rowferry.own AS o
                 WHERE o.number >= $1::bigint) AS x) AS y
 GROUP BY y.run
 ORDER BY 1;
