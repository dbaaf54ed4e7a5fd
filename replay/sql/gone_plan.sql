-- For statements that look for few rows of a large table by their keys. The pages that these rows are on
-- have to be read and written in any case; that is no price of finding them by an index.
SET LOCAL random_page_cost = 0.25;
