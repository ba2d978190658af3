<?php
if (!defined('B_PROLOG_INCLUDED') || B_PROLOG_INCLUDED !== true) {
    die();
}
use Bitrix\Main\Loader;
use Bitrix\Main\Localization\Loc;
use Bitrixpipeline\Outbox\Desk;
use Bitrixpipeline\Outbox\IncomingWebhook;
use Bitrixpipeline\Outbox\SelfCheck;
use Bitrixpipeline\Outbox\Settings;
use Bitrixpipeline\Outbox\SettingsForm;

global $APPLICATION, $USER;
$module_id = 'bitrixpipeline.outbox';
Loc::loadMessages(__FILE__);
$right = (string)$APPLICATION->GetGroupRight($module_id);
if ($right < 'R' || !Loader::includeModule($module_id)) {
    $APPLICATION->AuthForm('');
    return;
}
$phrase = static function (string $name): string {
    return htmlspecialcharsbx((string)(Loc::getMessage("BITRIXPIPELINE_OUTBOX_$name") ?: $name));
};
$isPost = ($_SERVER['REQUEST_METHOD'] ?? '') === 'POST';
$isSessionGood = $isPost && check_bitrix_sessid();
foreach ($isPost ? SettingsForm::handle($_POST, $right, $isSessionGood) : [] as $name) {
    echo '<p><b>' . $phrase($name) . '</b></p>';
}
// Shown this once: Bitrix's cache and this page forget it.
if ($isSessionGood && $right >= 'W' && !empty($_POST['bitrixpipeline_webhook'])) {
    $webhook = IncomingWebhook::create((int)$USER->GetID());
    echo '<p>' . $phrase($webhook === '' ? 'WEBHOOK_BAD' : 'WEBHOOK_GOOD') . '<br><code>' . htmlspecialcharsbx($webhook) . '</code></p>';
}

$isLocked = static function (string $name): string {
    return in_array(Settings::source($name), ['environment', 'file'], true) ? ' disabled' : '';
};
$select = static function (string $name, array $known, string $value) use ($phrase): void {
    echo "<select name=\"$name\">";
    foreach ($known as $each) {
        $selected = $each === $value ? ' selected' : '';
        echo "<option value=\"$each\"$selected>" . $phrase(strtoupper("{$name}_$each")) . '</option>';
    }
    echo '</select>';
};
$tabs = new CAdminTabControl('bitrixpipelineTabs', [
    ['DIV' => 'settings', 'TAB' => Loc::getMessage('BITRIXPIPELINE_OUTBOX_TAB_SETTINGS'), 'TITLE' => Loc::getMessage('BITRIXPIPELINE_OUTBOX_TAB_SETTINGS')],
    ['DIV' => 'outbox', 'TAB' => Loc::getMessage('BITRIXPIPELINE_OUTBOX_TAB_OUTBOX'), 'TITLE' => Loc::getMessage('BITRIXPIPELINE_OUTBOX_TAB_OUTBOX')],
]);
$page = $APPLICATION->GetCurPage() . '?mid=' . urlencode($module_id) . '&lang=' . LANGUAGE_ID;
?>
<form method="post" action="<?= htmlspecialcharsbx($page) ?>">
<?php
echo bitrix_sessid_post();
$tabs->Begin();
$tabs->BeginNextTab();
?>
<tr><td><?= $phrase('ENABLED') ?></td><td><input type="checkbox" name="enabled" value="Y"<?= Settings::isEnabled() ? ' checked' : '' ?>></td></tr>
<tr><td><?= $phrase('URL') ?></td><td><input type="text" size="60" name="url" value="<?= htmlspecialcharsbx(Settings::url()) ?>"<?= $isLocked('url') ?>></td></tr>
<tr><td><?= $phrase('SECRETS') ?></td><td>
    <input type="password" size="60" name="secrets" value="" autocomplete="new-password"<?= $isLocked('secrets') ?>>
    <?= $phrase('SECRETS_SET') ?> <?= count(Settings::secrets()) ?>
</td></tr>
<?php foreach (SettingsForm::numbers() as $name): ?>
<tr><td><?= $phrase(strtoupper($name)) ?></td><td><input type="number" name="<?= $name ?>" value="<?= Settings::number($name) ?>"></td></tr>
<?php endforeach; ?>
<tr><td><?= $phrase('FAST_PATH') ?></td><td><?php $select('fast_path', Settings::FAST_PATHS, Settings::fastPath()); ?></td></tr>
<tr><td><?= $phrase('LOG_LEVEL') ?></td><td><?php $select('log_level', Settings::LOG_LEVELS, Settings::logLevel()); ?></td></tr>
<tr><td colspan="2"><pre><?= htmlspecialcharsbx((string)json_encode(SelfCheck::facts(), JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES)) ?></pre></td></tr>
<?php $tabs->BeginNextTab(); ?>
<tr><td colspan="2"><table class="adm-list-table">
<tr><th></th><?php foreach (['EVENT', 'STATE', 'ATTEMPTS_MADE', 'NOTED', 'DUE', 'LAST_ERROR'] as $head): ?><th><?= $phrase($head) ?></th><?php endforeach; ?></tr>
<?php foreach ((new Desk())->latest() as $row): ?>
<tr>
    <td><input type="checkbox" name="events[]" value="<?= (int)$row['ID'] ?>"></td>
    <td><?= htmlspecialcharsbx("{$row['TYPE']} {$row['ENTITY_ID']}") ?></td>
    <td><?= $phrase($row['STATE'] === 'D' ? 'DEAD' : 'WAITING') ?></td>
    <td><?= (int)$row['ATTEMPTS'] ?></td>
    <td><?= htmlspecialcharsbx($row['CREATED_AT']) ?> UTC</td>
    <td><?= htmlspecialcharsbx($row['DUE_AT']) ?> UTC</td>
    <td><?= htmlspecialcharsbx((string)$row['LAST_ERROR']) ?></td>
</tr>
<?php endforeach; ?>
</table></td></tr>
<?php
$tabs->Buttons();
foreach ($right >= 'W' ? ['save', 'test', 'retry', 'skip', 'webhook'] : [] as $action) {
    echo "<input type=\"submit\" name=\"bitrixpipeline_$action\" value=\"" . $phrase(strtoupper("BUTTON_$action")) . '"> ';
}
$tabs->End();
?>
</form>
