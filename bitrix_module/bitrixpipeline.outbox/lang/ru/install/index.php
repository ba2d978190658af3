<?php
$MESS['BITRIXPIPELINE_OUTBOX_NAME'] = 'Исходящие события для bitrix_pipeline';
$MESS['BITRIXPIPELINE_OUTBOX_DESCRIPTION'] = 'Сообщает приёмнику о каждом изменении заказов, пользователей, товаров и разделов и не теряет ни одного.';
$MESS['BITRIXPIPELINE_OUTBOX_MISSING'] = 'На сайте не хватает: ';
$MESS['BITRIXPIPELINE_OUTBOX_FAILED'] = 'Установка не удалась: ';
$MESS['BITRIXPIPELINE_OUTBOX_KEEP'] = 'Сохранить события, которые ещё не отправлены';
$MESS['BITRIXPIPELINE_OUTBOX_UNINSTALL'] = 'Удалить модуль';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_D'] = 'доступ закрыт';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_R'] = 'просмотр';
$MESS['BITRIXPIPELINE_OUTBOX_RIGHT_W'] = 'изменение';
