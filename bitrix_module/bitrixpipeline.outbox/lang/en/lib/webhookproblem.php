<?php
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_NO_REST'] = 'An incoming webhook needs the module "REST API" (rest), which is not installed.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_NO_USER'] = 'There is no active user #USER#: give the ID of one who has full access (W) to the module sale.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_REFUSED'] = 'REST did not make an incoming webhook for user #USER#: look at Bitrix\'s event log and at that of PHP\'s errors, and try again.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_NOT_DELETED'] = 'REST did not delete the incoming webhook #ID#: it still works.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_EXISTS'] = 'There is an incoming webhook already, made on #MADE# for user #USER#; its address cannot be shown again, only replaced by a new one.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_ANOTHER'] = 'The incoming webhook was replaced already, as when the page is loaded again: replace it once more only if its address was not kept.';
