<?php
$MESS['BITRIXPIPELINE_OUTBOX_NAME'] = 'Исходящие события для bitrix_pipeline';
$MESS['BITRIXPIPELINE_OUTBOX_DESCRIPTION'] = 'Сообщает приёмнику о каждом изменении заказов, пользователей, товаров и разделов. Ни одно событие не теряется.';
$MESS['BITRIXPIPELINE_OUTBOX_MISSING'] = 'Модуль не установлен, на сайте не хватает: ';
$MESS['BITRIXPIPELINE_OUTBOX_FAILED'] = 'Не удалось установить модуль: ';
$MESS['BITRIXPIPELINE_OUTBOX_KEEP'] = 'Оставить в базе события, которые ещё не отправлены';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_GOES'] = 'Входящий вебхук, созданный модулем, будет удалён: его адрес перестанет работать.';
$MESS['BITRIXPIPELINE_OUTBOX_UNINSTALL'] = 'Удалить модуль';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_D'] = 'доступ закрыт';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_R'] = 'просмотр';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_W'] = 'изменение';
