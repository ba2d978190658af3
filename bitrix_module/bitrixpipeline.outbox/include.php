<?php
// A module copied over by hand brings its new tables and handlers with the first hit.
\Bitrixpipeline\Outbox\Schema::upgradeIfNeeded();
