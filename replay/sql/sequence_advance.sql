-- Sets a sequence to the highest value in its column, or to {least}, where it is not that far yet.
-- Answers whether that is beyond its end: then it stays. {name} is {sequence} as a literal.
SELECT q.top > p.seqmax,
       CASE WHEN q.top BETWEEN p.seqmin AND p.seqmax
                 AND (q.top > s.last_value OR (q.top = s.last_value AND NOT s.is_called))
            THEN setval(p.seqrelid::regclass, q.top) END
  FROM (SELECT greatest(max({column})::bigint, {least}) AS top FROM ONLY {table}) AS q
 CROSS JOIN {sequence} AS s
 CROSS JOIN pg_sequence AS p
 WHERE p.seqrelid = {name}::regclass;
