<?php
// How the outbox is doing, and what is in it; options.php has the names.
if (!defined('B_PROLOG_INCLUDED') || B_PROLOG_INCLUDED !== true) {
    die();
}
use Bitrixpipeline\Outbox\Desk;
use Bitrixpipeline\Outbox\Reason;
use Bitrixpipeline\Outbox\SelfCheck;
use Bitrixpipeline\Outbox\Sender;

$facts = SelfCheck::facts();
$outbox = $facts['outbox'];
$rows = (new Desk())->latest();
// Words that are not escaped yet.
$long = static function (int $seconds) use ($words): string {
    foreach (['DAYS' => [172800, 86400], 'HOURS' => [7200, 3600], 'MINUTES' => [120, 60]] as $unit => [$least, $of]) {
        if ($seconds >= $least) {
            return $words($unit, ['#N#' => intdiv($seconds, $of)]);
        }
    }
    return $words('SECONDS', ['#N#' => max(0, $seconds)]);
};
// A phrase with a time in it.
$timed = static function (string $name, int $seconds) use ($phrase, $long): string {
    return $phrase($name, ['#TIME#' => $long($seconds)]);
};
$bold = static function (string $escaped): string {
    return "<b>$escaped</b>";
};
// Stored in UTC, shown as the site's clock has it.
$moment = static function (string $utc) use ($escape, $phrase): string {
    $at = date_create($utc, new DateTimeZone('UTC'));
    return $at ? $escape($at->setTimezone(new DateTimeZone(date_default_timezone_get()))->format($phrase('MOMENT'))) : '';
};
$reason = static function (string $stored) use ($escape): string {
    return $escape(Reason::inWords($stored));
};
$sending = static function () use ($facts, $outbox, $phrase, $reason, $timed, $bold): string {
    if ($facts['complaint'] !== null) {
        return $bold($reason($facts['complaint']));
    }
    return $outbox['paused_seconds'] ? $bold($timed('SENDING_PAUSED', $outbox['paused_seconds'])) : $phrase('SENDING_ON');
};
$agent = static function () use ($facts, $phrase, $timed, $bold): string {
    if (in_array($facts['agent'], ['missing', 'inactive'], true)) {
        return $bold($phrase('AGENT_' . strtoupper($facts['agent'])));
    }
    $seconds = $facts['agentRanSecondsAgo'];
    $ran = $seconds === null ? $phrase('AGENT_NEW') : $timed('AGENT_RAN', $seconds);
    return $facts['agent'] === 'late' ? $bold($ran) : $ran;
};
$fault = static function () use ($facts, $outbox, $phrase, $reason): ?string {
    if ($outbox['last_error'] === null || $outbox['last_error'] === $facts['complaint']) {
        return null;
    }
    $isLack = in_array($outbox['last_error'], [Sender::NO_URL, Sender::NO_SECRET], true);
    $more = $isLack ? $phrase('SAYS_THE_AGENT') : $phrase('IN_A_ROW', ['#COUNT#' => $outbox['failures_in_a_row']]);
    return $reason($outbox['last_error']) . " ($more)";
};
$clockOff = $facts['databaseClockOffSeconds'];
// What is null has no row.
$state = [
    'SENDING' => $sending(),
    'LACKS' => $facts['missing'] ? $bold($escape(implode(', ', $facts['missing']))) : null,
    'IN_OUTBOX' => $outbox['waiting'] . ($outbox['waiting'] ? ', ' . $timed('OLDEST', $outbox['oldest_seconds']) : ''),
    'DEAD_EVENTS' => $outbox['dead'] ? $bold((string)$outbox['dead']) : '0',
    'DELIVERED' => $outbox['delivered_seconds_ago'] === null ? $phrase('NEVER_DELIVERED') : $timed('AGO', $outbox['delivered_seconds_ago']),
    'FAULT' => $fault(),
    'AGENTS' => $phrase('AGENTS_' . strtoupper($facts['agents'])),
    'AGENT' => $agent(),
    'CLOCK' => abs($clockOff) >= 30 ? $phrase('CLOCK_OFF', ['#SECONDS#' => abs($clockOff)]) : null,
    'VERSION' => $escape("{$facts['version']}, PHP {$facts['php']}"),
];
// Of the list below, which the browser marks as a whole.
$markAll = 'onclick="' . $escape("var all = document.getElementsByName('events[]'); for (var i = 0; i < all.length; i++) { all[i].checked = this.checked; }") . '"';
?>
<?php foreach (array_filter($state, 'is_string') as $name => $value): ?>
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
    <?php if ($mayChange): ?><td><input type="checkbox" title="<?= $phrase('MARK_ALL') ?>" <?= $markAll ?>></td><?php endif; ?>
    <?php foreach (['EVENT', 'STATE', 'ATTEMPTS_MADE', 'NOTED', 'DUE', 'LAST_ERROR'] as $head): ?><td><?= $phrase($head) ?></td><?php endforeach; ?>
</tr>
<?php foreach ($rows as $row): ?>
<tr>
    <?php if ($mayChange): ?><td><input type="checkbox" name="events[]" value="<?= (int)$row['ID'] ?>" <?= $ofEvents ?>></td><?php endif; ?>
    <td nowrap><?= $escape("{$row['TYPE']} {$row['ENTITY_ID']}") ?></td>
    <td><?= $row['STATE'] === 'D' ? $bold($phrase('DEAD')) : $phrase('WAITING') ?></td>
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
