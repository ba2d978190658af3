<?php
$bitrixpipeline_outbox_default_option = [
    'enabled' => 'Y',
    'url' => '',
    'secrets' => '',
    'batch' => '50',
    'run_seconds' => '20',
    'timeout' => '10',
    'fast_path' => 'auto',
    'fast_timeout' => '2',
    'attempts' => '14',
    'log_level' => 'error',
];
