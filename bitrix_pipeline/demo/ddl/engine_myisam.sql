-- A MyISAM key holds 1000 bytes at most, so these cover less of a column in utf8mb4.
ALTER TABLE b_user
    DROP KEY ix_login,
    DROP KEY ix_b_user_external_auth_id_active,
    ADD UNIQUE KEY ix_login (LOGIN, EXTERNAL_AUTH_ID(180)),
    ADD KEY ix_b_user_external_auth_id_active (EXTERNAL_AUTH_ID(180), ACTIVE);

ALTER TABLE b_iblock_section
    DROP KEY ix_iblock_section_code,
    ADD KEY ix_iblock_section_code (IBLOCK_ID, CODE(180));

ALTER TABLE b_iblock_element
    DROP KEY ix_iblock_element_4,
    DROP KEY ix_iblock_element_code,
    DROP KEY ix_iblock_element_name,
    ADD KEY ix_iblock_element_4 (IBLOCK_ID, XML_ID(180), WF_PARENT_ELEMENT_ID),
    ADD KEY ix_iblock_element_code (IBLOCK_ID, CODE(180)),
    ADD KEY ix_iblock_element_name (IBLOCK_ID, NAME(180));
