CREATE TABLE IF NOT EXISTS b_bitrixpipeline_outbox (
    ID bigint unsigned NOT NULL AUTO_INCREMENT,
    UID varchar(40) CHARACTER SET ascii NOT NULL,
    TYPE varchar(40) CHARACTER SET ascii NOT NULL,
    ENTITY varchar(20) CHARACTER SET ascii NOT NULL,
    ENTITY_ID int unsigned NOT NULL,
    IBLOCK_ID int unsigned NULL,
    ORIGIN varchar(10) CHARACTER SET ascii NOT NULL,
    SAVES int unsigned NOT NULL DEFAULT 1,
    STATE char(1) CHARACTER SET ascii NOT NULL DEFAULT 'W',
    BEGUN int unsigned NOT NULL DEFAULT 0,
    ATTEMPTS int unsigned NOT NULL DEFAULT 0,
    REFUSALS int unsigned NOT NULL DEFAULT 0,
    LEASE varchar(32) CHARACTER SET ascii NULL,
    LEASED_UNTIL datetime NULL,
    DUE_AT datetime NOT NULL,
    CREATED_AT datetime NOT NULL,
    LAST_ERROR varchar(250) CHARACTER SET ascii NULL,
    BODY mediumblob NULL,
    PRIMARY KEY (ID),
    KEY ix_bitrixpipeline_outbox_due (STATE, DUE_AT),
    KEY ix_bitrixpipeline_outbox_due_of_entity (ENTITY, STATE, DUE_AT),
    KEY ix_bitrixpipeline_outbox_entity (ENTITY, ENTITY_ID)
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS b_bitrixpipeline_state (
    ID tinyint NOT NULL,
    FAILURES int unsigned NOT NULL DEFAULT 0,
    PAUSED_UNTIL datetime NULL,
    PAUSE_TIMEOUT int unsigned NULL,
    DELIVERED_AT datetime NULL,
    LAST_ERROR varchar(250) CHARACTER SET ascii NULL,
    PRIMARY KEY (ID)
) ENGINE = InnoDB;
INSERT IGNORE INTO b_bitrixpipeline_state (ID) VALUES (1);
