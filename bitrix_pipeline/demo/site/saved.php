<?php
// What Bitrix does when orders were saved: php saved.php ORDER… tells the module's handler of each.
// Prints when each was noted, and how long that kept the buyer waiting, in seconds.
use Bitrix\Main\Event;
use Bitrix\Main\Loader;
use Bitrixpipeline\Outbox\Handlers;

require __DIR__ . '/bitrix/modules/main/include/prolog_before.php';
Loader::includeModule('bitrixpipeline.outbox');

class SavedOrder
{
    private $id;

    public function __construct(int $id)
    {
        $this->id = $id;
    }

    public function getId()
    {
        return $this->id;
    }
}

$noted = [];
foreach (array_map('intval', array_slice($argv, 1)) as $id) {
    $began = microtime(true);
    Handlers::orderSaved(new Event('sale', 'OnSaleOrderSaved', ['ENTITY' => new SavedOrder($id), 'IS_CHANGED' => true]));
    $noted[$id] = ['at' => microtime(true), 'seconds' => microtime(true) - $began];
}
echo json_encode($noted), "\n";
