<?php
// Puts WORK/new into the place of MODULE, or nothing if there is no such thing; what was there is WORK/old:
//   php -- MODULE WORK < swap.php
// Two renames by one process: between them lie some microseconds, in which a hit finds no module. Bitrix then
// calls no handler, and what that hit saves comes with the next sync only. A hit that has begun before may load
// classes of both; a handler swallows whatever comes of that.
$module = $argv[1];
$new = "$argv[2]/new";
$old = "$argv[2]/old";
$isThere = file_exists($module);
if ($isThere && !rename($module, $old)) {
    exit(1);
}
if (file_exists($new) && !rename($new, $module)) {
    $isThere && rename($old, $module);
    exit(1);
}
