-- SQL of the user's may have become somebody else.
RESET SESSION AUTHORIZATION; RESET ROLE;
