<?php
// Asked for by a browser it does nothing: there is no Bitrix then.
if (!class_exists('Bitrix\Main\Loader', false)) {
    return;
}
// A module copied over by hand brings its new tables and handlers with the first hit that has no transaction open.
\Bitrixpipeline\Outbox\Schema::upgradeIfNeeded();
