DROP TABLE IF EXISTS b_bitrixpipeline_outbox;
DROP TABLE IF EXISTS b_bitrixpipeline_state;
