<?php
$MESS['BITRIXPIPELINE_OUTBOX_NAME'] = 'Исходящие события для bitrix_pipeline';
$MESS['BITRIXPIPELINE_OUTBOX_DESCRIPTION'] = 'Сообщает приёмнику об изменениях заказов, пользователей, товаров, цен и разделов. События, которые не удалось отправить, ждут в очереди.';
$MESS['BITRIXPIPELINE_OUTBOX_MISSING'] = 'Модуль не установлен, на сайте не хватает: ';
$MESS['BITRIXPIPELINE_OUTBOX_FAILED'] = 'Не удалось установить модуль: ';
$MESS['BITRIXPIPELINE_OUTBOX_KEEP'] = 'Оставить в базе события, которые ещё не отправлены';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_GOES'] = 'Входящий вебхук, созданный модулем, будет удалён: его адрес перестанет работать.';
$MESS['BITRIXPIPELINE_OUTBOX_UNINSTALL'] = 'Удалить модуль';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_D'] = 'доступ закрыт';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_R'] = 'просмотр';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_W'] = 'изменение';
