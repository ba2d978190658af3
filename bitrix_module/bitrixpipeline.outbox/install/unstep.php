<?php
if (!defined('B_PROLOG_INCLUDED') || B_PROLOG_INCLUDED !== true) {
    die();
}
use Bitrix\Main\Loader;
use Bitrixpipeline\Outbox\IncomingWebhook;
use Bitrixpipeline\Outbox\Words;

global $APPLICATION;
Loader::includeModule('bitrixpipeline.outbox');
$ofInstaller = __DIR__ . '/index.php';
?>
<form action="<?= htmlspecialcharsbx($APPLICATION->GetCurPage()) ?>" method="post">
    <?= bitrix_sessid_post() ?>
    <input type="hidden" name="lang" value="<?= LANGUAGE_ID ?>">
    <input type="hidden" name="id" value="bitrixpipeline.outbox">
    <input type="hidden" name="uninstall" value="Y">
    <input type="hidden" name="bitrixpipeline_step" value="2">
    <?php if (IncomingWebhook::existing()): ?><p><?= htmlspecialcharsbx(Words::of($ofInstaller, 'WEBHOOK_GOES')) ?></p><?php endif; ?>
    <p><label><input type="checkbox" name="keep_outbox" value="Y" checked>
        <?= htmlspecialcharsbx(Words::of($ofInstaller, 'KEEP')) ?></label></p>
    <input type="submit" value="<?= htmlspecialcharsbx(Words::of($ofInstaller, 'UNINSTALL')) ?>">
</form>
