SELECT {number}, coalesce(sum(g.rows), 0), coalesce(sum(g.rows) FILTER (WHERE {other}), 0),
       count(*) FILTER (WHERE {other})
  FROM (SELECT t.xmin, count(*) AS rows FROM ONLY {relation} AS t GROUP BY t.xmin) AS g
