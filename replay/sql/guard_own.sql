-- The transactions of rowferry from the horizon on, as the xmin of rows has them.
SELECT DISTINCT o.raw::text FROM rowferry.own AS o WHERE o.number >= $1::bigint;
