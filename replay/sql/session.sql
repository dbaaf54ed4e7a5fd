-- What every connection sets for itself, so that neither the role's nor the database's settings change
-- what a statement means or when it is given up. How durable a commit is stays the user's choice.
SET search_path = pg_catalog;
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET row_security = off;
SET bytea_output = hex;
SET extra_float_digits = 1;
SET jit = off;
