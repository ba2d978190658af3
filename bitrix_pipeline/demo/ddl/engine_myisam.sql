-- A MyISAM key holds 1000 bytes at most, so this one covers less of a column in utf8mb4.
ALTER TABLE b_user
    DROP KEY ix_login,
    ADD UNIQUE KEY ix_login (LOGIN, EXTERNAL_AUTH_ID(180));
