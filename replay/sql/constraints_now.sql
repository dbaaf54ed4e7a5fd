-- What was deferred is checked here, where an error still says what it is about.
SET CONSTRAINTS ALL IMMEDIATE;
