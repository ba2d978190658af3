<?php
// The fields of the settings page; options.php has the names.
if (!defined('B_PROLOG_INCLUDED') || B_PROLOG_INCLUDED !== true) {
    die();
}
use Bitrixpipeline\Outbox\IncomingWebhook;
use Bitrixpipeline\Outbox\Settings;
use Bitrixpipeline\Outbox\SettingsForm;

$isLocked = static function (string $name) use ($mayChange): string {
    return !$mayChange || in_array(Settings::source($name), ['environment', 'file'], true) ? ' disabled' : '';
};
$hint = static function (string $name) use ($phrase): string {
    return '<br><small>' . $phrase($name) . '</small>';
};
// Where the value comes from, when it is not from here.
$source = static function (string $name, string $otherwise) use ($hint): string {
    $known = ['environment' => 'FROM_ENVIRONMENT', 'file' => 'FROM_FILE'];
    return $hint($known[Settings::source($name)] ?? $otherwise);
};
$select = static function (string $name, array $known, string $value) use ($phrase, $mayChange): string {
    $options = '';
    foreach ($known as $each) {
        $selected = $each === $value ? ' selected' : '';
        $options .= "<option value=\"$each\"$selected>" . $phrase(strtoupper("{$name}_$each")) . '</option>';
    }
    return "<select name=\"$name\" id=\"bitrixpipeline_$name\"" . ($mayChange ? '' : ' disabled') . ">$options</select>";
};
$label = static function (string $name) use ($phrase): string {
    return "<label for=\"bitrixpipeline_$name\">" . $phrase(strtoupper($name)) . ':</label>';
};
$heading = static function (string $name) use ($phrase): string {
    return '<tr class="heading"><td colspan="2">' . $phrase($name) . '</td></tr>';
};
// A login in an address that the environment or a file has set.
$url = preg_replace('~//[^/]*@~', '//…@', Settings::url());
$disabled = $mayChange ? '' : ' disabled';
$webhook = IncomingWebhook::existing();
?>
<?= $heading('HEADING_RECEIVER') ?>
<tr>
    <td width="40%"><?= $label('enabled') ?></td>
    <td width="60%"><input type="checkbox" name="enabled" id="bitrixpipeline_enabled" value="Y"<?= $typed('enabled', Settings::isEnabled() ? 'Y' : '') === 'Y' ? ' checked' : '' ?><?= $disabled ?>></td>
</tr>
<tr>
    <td><?= $label('url') ?></td>
    <td><input type="text" size="60" name="url" id="bitrixpipeline_url" placeholder="https://crm.example/webhooks/bitrix" value="<?= $escape($isLocked('url') ? $url : $typed('url', $url)) ?>"<?= $isLocked('url') ?>><?= $source('url', 'URL_HINT') ?><?= Settings::isUrlOpen() ? '<br><b>' . $phrase('URL_OPEN') . '</b>' : '' ?></td>
</tr>
<tr>
    <td><?= $label('secrets') ?></td>
    <td><input type="password" size="60" name="secrets" id="bitrixpipeline_secrets" value="" autocomplete="new-password"<?= $isLocked('secrets') ?>><br>
        <small><?= $phrase('SECRETS_SET', ['#COUNT#' => count(Settings::secrets())]) ?></small><?= $source('secrets', 'SECRETS_HINT') ?></td>
</tr>
<?= $heading('HEADING_SENDING') ?>
<tr>
    <td><?= $label('fast_path') ?></td>
    <td><?= $select('fast_path', Settings::FAST_PATHS, $typed('fast_path', Settings::fastPath())) ?></td>
</tr>
<?php foreach (SettingsForm::numbers() as $name): ?>
<?php [$least, $most] = Settings::bounds($name); ?>
<tr>
    <td><?= $label($name) ?></td>
    <td><input type="number" name="<?= $name ?>" id="bitrixpipeline_<?= $name ?>" min="<?= $least ?>" max="<?= $most ?>" value="<?= $escape($typed($name, (string)Settings::number($name))) ?>"<?= $disabled ?>></td>
</tr>
<?php endforeach; ?>
<tr>
    <td><?= $label('log_level') ?></td>
    <td><?= $select('log_level', Settings::LOG_LEVELS, $typed('log_level', Settings::logLevel())) ?></td>
</tr>
<?= $heading('HEADING_WEBHOOK') ?>
<tr>
    <td colspan="2" align="center">
        <p><?= $webhook ? $phrase('WEBHOOK_MADE', ['#MADE#' => $webhook['DATE_CREATE'], '#USER#' => $webhook['USER_ID']]) : $phrase('WEBHOOK_HINT') ?></p>
        <?php if ($mayChange): ?>
        <input type="hidden" name="webhook" value="<?= $webhook ? (int)$webhook['ID'] : '' ?>" <?= $ofActions ?>>
        <?= $webhook ? $button('replace_webhook', $ofActions . ' ' . $ask('ASK_REPLACE')) : $button('webhook', $ofActions) ?>
        <?php endif; ?>
    </td>
</tr>
