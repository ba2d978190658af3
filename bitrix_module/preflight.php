<?php
// Looks at a site before anything is put there:
//   php -- DOCUMENT_ROOT RECEIVER_URL "given, if secrets are" BASE64_OF_REQUIREMENTS_PHP < preflight.php
// Words at the start of a line: ok, warn, fail. Nothing is changed.
// Names of our own: a shop's init.php runs in this scope.
$bitrixpipelineFailed = false;
$bitrixpipelineLines = array();
$bitrixpipelineIsDone = false;
// Bitrix, from some year on, does not start where something was printed before; and it ends with die() where the
// database is away, and so with success.
register_shutdown_function(function () use (&$bitrixpipelineLines, &$bitrixpipelineIsDone) {
    echo implode('', $bitrixpipelineLines);
    if (!$bitrixpipelineIsDone) {
        exit(1);
    }
});

function say($word, $what)
{
    global $bitrixpipelineFailed, $bitrixpipelineLines;
    $bitrixpipelineFailed = $bitrixpipelineFailed || $word === 'fail';
    $bitrixpipelineLines[] = "$word $what\n";
}

say(PHP_VERSION_ID >= 70400 ? 'ok' : 'fail', 'PHP ' . PHP_VERSION . ' (7.4 or later is needed)');
foreach (array('curl', 'hash', 'json', 'mbstring', 'mysqli') as $extension) {
    say(extension_loaded($extension) ? 'ok' : 'fail', "PHP's extension $extension");
}
say(is_file("$argv[1]/bitrix/modules/main/include/prolog_before.php") ? 'ok' : 'fail', "Bitrix in $argv[1]");
$modules = is_dir("$argv[1]/local/modules") ? "$argv[1]/local/modules" : (is_dir("$argv[1]/local") ? "$argv[1]/local" : $argv[1]);
say(is_writable($modules) ? 'ok' : 'fail', "may write into $modules");
$owner = is_dir("$argv[1]/bitrix") ? fileowner("$argv[1]/bitrix") : false;
if (function_exists('posix_geteuid') && $owner !== false && $owner !== posix_geteuid()) {
    say('warn', "the site's files belong to another user (uid $owner): run this as that user");
}
if ($bitrixpipelineFailed) {
    exit;
}

define('NO_KEEP_STATISTIC', true);
define('NOT_CHECK_PERMISSIONS', true);
define('NO_AGENT_CHECK', true);
define('STOP_STATISTICS', true);
// No session is begun.
define('BX_SECURITY_SESSION_VIRTUAL', true);
$_SERVER['DOCUMENT_ROOT'] = $argv[1];
require "$argv[1]/bitrix/modules/main/include/prolog_before.php";
while (ob_get_level()) {
    ob_end_clean();
}
class_exists('Bitrixpipeline\Outbox\Requirements', false) || eval('?>' . base64_decode($argv[4]));
$missing = \Bitrixpipeline\Outbox\Requirements::missing();
foreach ($missing as $each) {
    say('fail', "needed: $each");
}
$missing || say('ok', 'what the module needs of Bitrix, PHP and the database');
$hasRest = \Bitrix\Main\ModuleManager::isModuleInstalled('rest');
say($hasRest ? 'ok' : 'warn', $hasRest ? 'module rest' : 'module rest is not installed: statuses cannot come back');
$connection = \Bitrix\Main\Application::getConnection();
look_at_agents($connection);
look_at_cache();
look_at_settings($argv[2], $argv[3]);
$clock = (int)$connection->queryScalar('SELECT UNIX_TIMESTAMP()') - time();
say(abs($clock) < 60 ? 'ok' : 'warn', "MySQL's clock is $clock s off PHP's");
$bitrixpipelineIsDone = !$bitrixpipelineFailed;
exit;

function look_at_agents($connection)
{
    $options = '\Bitrix\Main\Config\Option';
    $byCron = $options::get('main', 'agents_use_crontab', 'N') === 'Y' || (defined('BX_CRONTAB_SUPPORT') && BX_CRONTAB_SUPPORT === true);
    $haveRun = $connection->queryScalar('SELECT MAX(LAST_EXEC) > NOW() - INTERVAL 1 DAY FROM b_agent');
    if ($options::get('main', 'check_agents', 'Y') !== 'Y' && !$haveRun) {
        say('warn', 'agents are switched off: only what is sent right after the response goes out');
    } elseif ($byCron) {
        say('ok', 'agents run by cron');
    } elseif ($options::get('main', 'check_agents', 'Y') === 'Y') {
        say('warn', 'agents run on hits: on a quiet site events wait; cron is advised');
    } else {
        say('ok', "agents run by a script of the site's own");
    }
}

/** What the web server keeps in its own memory nobody at a shell can change. */
function look_at_cache()
{
    $cache = \Bitrix\Main\Config\Configuration::getValue('cache');
    $type = isset($cache['type']) ? $cache['type'] : '';
    $type = is_array($type) ? implode(' ', array_filter($type, 'is_string')) : (string)$type;
    if (stripos($type, 'apc') !== false) {
        say('warn', 'the site caches in APCu: clear the cache in its administration afterwards, or restart PHP-FPM, or it does not see for up to a day what was changed here');
    }
}

/** What is not given must be set already. */
function look_at_settings($url, $areSecretsGiven)
{
    $set = array('url' => $url, 'secrets' => $areSecretsGiven);
    $ofFile = \Bitrix\Main\Config\Configuration::getValue('bitrixpipeline.outbox');
    foreach (array('url' => 'BITRIXPIPELINE_URL', 'secrets' => 'BITRIXPIPELINE_SECRETS') as $name => $variable) {
        $known = array($set[$name], getenv($variable), isset($ofFile[$name]) ? $ofFile[$name] : '', \Bitrix\Main\Config\Option::get('bitrixpipeline.outbox', $name, ''));
        $set[$name] = (string)current(array_filter($known) ?: array(''));
    }
    if ($set['url'] === '') {
        say('fail', "the receiver's address is set nowhere: give --url");
    } else {
        look_at_receiver($set['url']);
    }
    $set['secrets'] !== '' || say('fail', 'a secret is set nowhere: give WEBHOOK_SECRETS in the environment');
}

function look_at_receiver($url)
{
    $date = 0;
    $handle = curl_init($url);
    curl_setopt_array($handle, array(
        CURLOPT_POST => true,
        CURLOPT_POSTFIELDS => '{}',
        CURLOPT_HTTPHEADER => array('Content-Type: application/json', 'Expect:'),
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 10,
        CURLOPT_HEADERFUNCTION => function ($handle, $line) use (&$date) {
            if (stripos($line, 'date:') === 0) {
                $date = (int)strtotime(trim(substr($line, 5)));
            }
            return strlen($line);
        },
    ));
    curl_exec($handle);
    $number = curl_errno($handle);
    $status = (int)curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
    // Unsigned, so a receiver refuses it: that it does is what proves that it is one.
    $isThere = $number === 0 && $status === 401;
    say($isThere ? 'ok' : 'fail', $number ? 'the receiver cannot be reached: ' . curl_strerror($number) : "the receiver answers $status to what is not signed");
    if ($isThere && $date > 0) {
        $off = time() - $date;
        say(abs($off) < 240 ? 'ok' : 'fail', "the clock is $off s off the receiver's");
    }
}
