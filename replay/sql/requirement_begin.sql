-- For a query of the user's, after BEGIN: names without a schema are those of the target's, and it
-- has so many milliseconds.
SELECT set_config('search_path', quote_ident($1), true),
       set_config('statement_timeout', $2, true);
