<?php
if (!defined('B_PROLOG_INCLUDED') || B_PROLOG_INCLUDED !== true) {
    die();
}
use Bitrix\Main\Loader;
use Bitrix\Main\Localization\Loc;
use Bitrixpipeline\Outbox\IncomingWebhook;

global $APPLICATION;
Loc::loadMessages(__DIR__ . '/index.php');
$hasWebhook = Loader::includeModule('bitrixpipeline.outbox') && IncomingWebhook::existing();
?>
<form action="<?= htmlspecialcharsbx($APPLICATION->GetCurPage()) ?>" method="post">
    <?= bitrix_sessid_post() ?>
    <input type="hidden" name="lang" value="<?= LANGUAGE_ID ?>">
    <input type="hidden" name="id" value="bitrixpipeline.outbox">
    <input type="hidden" name="uninstall" value="Y">
    <input type="hidden" name="bitrixpipeline_step" value="2">
    <?php if ($hasWebhook): ?><p><?= Loc::getMessage('BITRIXPIPELINE_OUTBOX_WEBHOOK_GOES') ?></p><?php endif; ?>
    <p><label><input type="checkbox" name="keep_outbox" value="Y" checked>
        <?= Loc::getMessage('BITRIXPIPELINE_OUTBOX_KEEP') ?></label></p>
    <input type="submit" value="<?= Loc::getMessage('BITRIXPIPELINE_OUTBOX_UNINSTALL') ?>">
</form>
