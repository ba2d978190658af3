<?php
$MESS['BITRIXPIPELINE_OUTBOX_NAME'] = 'Outbox for bitrix_pipeline';
$MESS['BITRIXPIPELINE_OUTBOX_DESCRIPTION'] = 'Tells a receiver of changes of orders, users, products, prices and sections. What could not be sent waits.';
$MESS['BITRIXPIPELINE_OUTBOX_MISSING'] = 'The site lacks: ';
$MESS['BITRIXPIPELINE_OUTBOX_FAILED'] = 'Installing failed: ';
$MESS['BITRIXPIPELINE_OUTBOX_KEEP'] = 'Keep the events that were not sent yet';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_GOES'] = 'The incoming webhook that the module made will be deleted: its address will stop working.';
$MESS['BITRIXPIPELINE_OUTBOX_UNINSTALL'] = 'Uninstall';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_D'] = 'no access';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_R'] = 'look';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_W'] = 'change';
