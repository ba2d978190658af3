<?php
// How the outbox is doing, and what is in it; options.php has the names.
if (!defined('B_PROLOG_INCLUDED') || B_PROLOG_INCLUDED !== true) {
    die();
}
use Bitrixpipeline\Outbox\Desk;
use Bitrixpipeline\Outbox\Reason;
use Bitrixpipeline\Outbox\SelfCheck;

$facts = SelfCheck::facts();
$outbox = $facts['outbox'];
$rows = (new Desk())->latest();
$long = static function (int $seconds) use ($phrase): string {
    foreach (['DAYS' => 172800, 'HOURS' => 7200, 'MINUTES' => 120, 'SECONDS' => 0] as $unit => $least) {
        if ($seconds >= $least) {
            $of = ['DAYS' => 86400, 'HOURS' => 3600, 'MINUTES' => 60, 'SECONDS' => 1][$unit];
            return $phrase($unit, ['#N#' => intdiv($seconds, $of)]);
        }
    }
    return $phrase('SECONDS', ['#N#' => 0]);
};
// Stored in UTC, shown as the site's clock has it.
$moment = static function (string $utc) use ($escape, $phrase): string {
    $at = date_create($utc, new DateTimeZone('UTC'));
    return $at ? $escape($at->setTimezone(new DateTimeZone(date_default_timezone_get()))->format($phrase('MOMENT'))) : '';
};
$reason = static function (string $stored) use ($escape): string {
    return $escape(Reason::inWords($stored));
};
$isSlow = abs($facts['databaseClockOffSeconds']) >= 30;
$state = [
    'SENDING' => $facts['complaint'] === null ? $phrase('SENDING_ON') : '<b>' . $reason($facts['complaint']) . '</b>',
    'IN_OUTBOX' => $outbox['waiting'] . ($outbox['waiting'] ? ', ' . $phrase('OLDEST') . ' ' . $long($outbox['oldest_seconds']) : ''),
    'DEAD_EVENTS' => $outbox['dead'] ? "<b>{$outbox['dead']}</b>" : '0',
    'DELIVERED' => $outbox['delivered_seconds_ago'] === null
        ? $phrase('NEVER_DELIVERED')
        : $phrase('AGO', ['#TIME#' => html_entity_decode($long($outbox['delivered_seconds_ago']))]),
    'AGENTS' => $phrase('AGENTS_' . strtoupper($facts['agents'])),
    'VERSION' => $escape("{$facts['version']}, PHP {$facts['php']}"),
];
if ($outbox['failures_in_a_row']) {
    $state['FAULT'] = $reason((string)$outbox['last_error']) . ' (' . $phrase('IN_A_ROW', ['#COUNT#' => $outbox['failures_in_a_row']]) . ')';
}
if ($isSlow) {
    $state['CLOCK'] = $phrase('CLOCK_OFF', ['#SECONDS#' => $facts['databaseClockOffSeconds']]);
}
?>
<?php foreach ($state as $name => $value): ?>
<tr>
    <td width="40%"><?= $phrase($name) ?>:</td>
    <td width="60%"><?= $value ?></td>
</tr>
<?php endforeach; ?>
<tr class="heading"><td colspan="2"><?= $phrase('HEADING_EVENTS') ?></td></tr>
<?php if (!$rows): ?>
<tr><td colspan="2" align="center"><?= $phrase('EMPTY') ?></td></tr>
<?php else: ?>
<tr><td colspan="2">
<table class="internal" width="100%">
<tr class="heading">
    <?php if ($mayChange): ?><td></td><?php endif; ?>
    <?php foreach (['EVENT', 'STATE', 'ATTEMPTS_MADE', 'NOTED', 'DUE', 'LAST_ERROR'] as $head): ?><td><?= $phrase($head) ?></td><?php endforeach; ?>
</tr>
<?php foreach ($rows as $row): ?>
<tr>
    <?php if ($mayChange): ?><td><input type="checkbox" name="events[]" value="<?= (int)$row['ID'] ?>" <?= $ofEvents ?>></td><?php endif; ?>
    <td nowrap><?= $escape("{$row['TYPE']} {$row['ENTITY_ID']}") ?></td>
    <td><?= $phrase($row['STATE'] === 'D' ? 'DEAD' : 'WAITING') ?></td>
    <td align="right"><?= (int)$row['ATTEMPTS'] ?></td>
    <td nowrap><?= $moment($row['CREATED_AT']) ?></td>
    <td nowrap><?= $row['STATE'] === 'D' ? '&mdash;' : $moment($row['DUE_AT']) ?></td>
    <td style="overflow-wrap: anywhere"><?= $reason((string)$row['LAST_ERROR']) ?></td>
</tr>
<?php endforeach; ?>
</table>
<?php if ($outbox['waiting'] + $outbox['dead'] > count($rows)): ?>
<p><?= $phrase('SHOWN', ['#COUNT#' => count($rows), '#ALL#' => $outbox['waiting'] + $outbox['dead']]) ?></p>
<?php endif; ?>
<?php if ($mayChange): ?>
<p><?= $button('retry', $ofEvents), ' ', $button('retry_all', $ofEvents), ' ', $button('skip', $ofEvents . ' ' . $ask('ASK_SKIP')) ?></p>
<?php endif; ?>
</td></tr>
<?php endif; ?>
