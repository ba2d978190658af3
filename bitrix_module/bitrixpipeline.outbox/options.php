<?php
if (!defined('B_PROLOG_INCLUDED') || B_PROLOG_INCLUDED !== true) {
    die();
}
use Bitrix\Main\Loader;
use Bitrixpipeline\Outbox\Notice;
use Bitrixpipeline\Outbox\SettingsForm;
use Bitrixpipeline\Outbox\Words;

global $APPLICATION, $USER;
$module_id = 'bitrixpipeline.outbox';
$right = (string)$APPLICATION->GetGroupRight($module_id);
if ($right < 'R' || !Loader::includeModule($module_id)) {
    $APPLICATION->AuthForm('');
    return;
}
$isPost = ($_SERVER['REQUEST_METHOD'] ?? '') === 'POST';
$notices = $isPost ? SettingsForm::handle($_POST, $right, check_bitrix_sessid(), (int)$USER->GetID()) : [];

// What the views use. Whatever they print has gone through $escape or $phrase.
$escape = static function ($text): string {
    return htmlspecialcharsbx((string)$text);
};
$words = static function (string $name, array $values = []): string {
    return Words::of(__FILE__, $name, $values);
};
$phrase = static function (string $name, array $values = []) use ($escape, $words): string {
    return $escape($words($name, $values));
};
$mayChange = $right >= 'W';
$button = static function (string $action, string $attributes = '') use ($phrase): string {
    return "<input type=\"submit\" name=\"bitrixpipeline_$action\" value=\"" . $phrase(strtoupper("BUTTON_$action")) . "\" $attributes>";
};
// The browser asks before what cannot be undone.
$ask = static function (string $question) use ($escape, $words): string {
    $asked = CUtil::JSEscape($words($question));
    return 'onclick="' . $escape("return confirm('$asked')") . '"';
};
// These buttons are not the settings': Enter in a field presses the first of its form, which is to save.
$ofActions = 'form="bitrixpipeline_actions"';
$ofEvents = 'form="bitrixpipeline_events"';
// What was not saved stands in its field again: refused, to be mended; or before a test, to be saved.
$isUnsaved = !empty($_POST['bitrixpipeline_test']) || (!empty($_POST['bitrixpipeline_save']) && array_filter($notices, static function (Notice $notice): bool {
    return !$notice->isGood;
}));
$typed = static function (string $name, string $stored) use ($isUnsaved): string {
    return $isUnsaved ? (string)(is_string($_POST[$name] ?? null) ? $_POST[$name] : '') : $stored;
};

foreach ($notices as $notice) {
    CAdminMessage::ShowMessage([
        'TYPE' => $notice->isGood ? 'OK' : 'ERROR',
        'MESSAGE' => $phrase($notice->phrase, $notice->values),
        'DETAILS' => $escape($notice->details),
        'HTML' => true,
    ]);
}
// Without Bitrix's own drafts: it would offer what is saved already as unsaved.
$tabs = new CAdminTabControl('bitrixpipelineTabs', array_map(static function (string $name) use ($words): array {
    $title = $words('TAB_' . strtoupper($name));
    return ['DIV' => "bitrixpipeline_$name", 'TAB' => $title, 'TITLE' => $title];
}, ['settings', 'outbox']), true, true);
$action = $escape($APPLICATION->GetCurPage() . '?mid=' . urlencode($module_id) . '&lang=' . LANGUAGE_ID);
?>
<form method="post" action="<?= $action ?>" id="bitrixpipeline_actions"><?= bitrix_sessid_post() ?></form>
<form method="post" action="<?= $action ?>" id="bitrixpipeline_events"><?= bitrix_sessid_post() ?>
    <input type="hidden" name="bitrixpipelineTabs_active_tab" value="bitrixpipeline_outbox">
</form>
<form method="post" action="<?= $action ?>">
<?php
echo bitrix_sessid_post();
$tabs->Begin();
$tabs->BeginNextTab();
include __DIR__ . '/views/settings.php';
$tabs->BeginNextTab();
include __DIR__ . '/views/outbox.php';
$tabs->Buttons();
if ($mayChange) {
    echo $button('save', 'class="adm-btn-save"'), ' ', $button('test', 'title="' . $phrase('TEST_HINT') . '"');
}
$tabs->End();
?>
</form>
