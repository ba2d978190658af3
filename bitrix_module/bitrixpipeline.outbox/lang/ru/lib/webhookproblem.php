<?php
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_NO_REST'] = 'Для входящего вебхука нужен модуль «REST API» (rest), а он не установлен.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_NO_USER'] = 'Активного пользователя с ID #USER# нет: укажите того, у кого полный доступ (W) к модулю sale.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_REFUSED'] = 'Модулю rest не удалось создать вебхук для пользователя с ID #USER#: посмотрите журнал событий Битрикса и журнал ошибок PHP и попробуйте ещё раз.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_NOT_DELETED'] = 'Модулю rest не удалось удалить вебхук с ID #ID#: он продолжает работать.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_EXISTS'] = 'Входящий вебхук уже есть: создан #MADE# для пользователя с ID #USER#. Его адрес повторно не показывается, вебхук можно только заменить новым.';
$MESS['BITRIXPIPELINE_OUTBOX_WEBHOOK_ANOTHER'] = 'Входящий вебхук уже заменён, например при повторной загрузке страницы: заменяйте его ещё раз, только если адрес не сохранили.';
