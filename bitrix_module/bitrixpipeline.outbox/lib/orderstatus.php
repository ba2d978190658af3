<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Rest\RestException;
use Bitrix\Sale\Notify;
use Bitrix\Sale\Order;

/** Sets an order's status or cancels it, if the order is still as the caller knows it. */
class OrderStatus
{
    private const LOCK_SECONDS = 5;

    private $connection;

    public function __construct($connection = null)
    {
        $this->connection = $connection ?: Application::getConnection();
    }

    /** @param array $change status, canceled, reason, expectedVersion, notify */
    public function set(int $id, array $change): array
    {
        return Master::only(function () use ($id, $change): array {
            return $this->setLocked($id, $change);
        });
    }

    private function setLocked(int $id, array $change): array
    {
        $lock = "bitrixpipeline_order_$id";
        if (!$this->connection->queryScalar("SELECT GET_LOCK('$lock', " . self::LOCK_SECONDS . ')')) {
            throw new RestException('The order is being changed by another call', 'ORDER_LOCKED', '503 Service Unavailable');
        }
        try {
            return $this->setAlone($id, $change);
        } finally {
            $this->connection->queryScalar("SELECT RELEASE_LOCK('$lock')");
        }
    }

    private function setAlone(int $id, array $change): array
    {
        $order = Order::load($id);
        if (!$order) {
            throw new RestException('Order not found', 'ORDER_NOT_FOUND', '404 Not Found');
        }
        $this->requireVersion($order, $change['expectedVersion']);
        $fields = $this->fields($order, $change);
        if ($fields) {
            $this->requireSuccess(self::saved($order, $fields, $change['notify']));
        }
        return $this->result($id) + ['changed' => (bool)$fields];
    }

    /** What differs; nothing is saved where nothing does, so that nothing comes back as news. */
    private function fields($order, array $change): array
    {
        $fields = [];
        if ($change['status'] !== null && $order->getField('STATUS_ID') !== $change['status']) {
            $this->requireStatus($change['status']);
            $fields['STATUS_ID'] = $change['status'];
        }
        if ($change['canceled'] !== null && $order->getField('CANCELED') !== $change['canceled']) {
            $fields['CANCELED'] = $change['canceled'];
            if ($change['canceled'] === 'Y') {
                $fields = ['REASON_CANCELED' => $change['reason']] + $fields;
            }
        }
        return $fields;
    }

    private static function saved($order, array $fields, bool $notify)
    {
        $wasDisabled = Notify::isNotifyDisabled();
        Notify::setNotifyDisable($wasDisabled || !$notify);
        try {
            foreach ($fields as $name => $value) {
                $result = $order->setField($name, $value);
                if (!$result->isSuccess()) {
                    return $result;
                }
            }
            return $order->save();
        } finally {
            Notify::setNotifyDisable($wasDisabled);
        }
    }

    /** Bitrix itself stores any two letters. */
    private function requireStatus(string $status): void
    {
        $value = $this->connection->getSqlHelper()->forSql($status);
        // BINARY: MySQL would find "n" for "N".
        $found = $this->connection->queryScalar("SELECT 1 FROM b_sale_status WHERE TYPE = 'O' AND BINARY ID = '$value'");
        if (!$found) {
            throw new RestException('No order status has this ID', 'STATUS_UNKNOWN', '400 Bad Request');
        }
    }

    private function requireVersion($order, ?int $expected): void
    {
        $version = (int)$order->getField('VERSION');
        if ($expected !== null && $version !== $expected) {
            throw new RestException("The order is of version $version by now", 'VERSION_MISMATCH', '409 Conflict');
        }
    }

    /** A shop's own handler may have refused. */
    private function requireSuccess($result): void
    {
        if (!$result->isSuccess()) {
            $error = $result->getErrors()[0] ?? null;
            throw new RestException(
                $error ? (string)$error->getMessage() : 'Bitrix refused',
                $error && (string)$error->getCode() !== '' ? (string)$error->getCode() : 'ORDER_REFUSED',
                '400 Bad Request'
            );
        }
    }

    /** In the site's charset: REST itself makes UTF-8 of all that a method answers. */
    private function result(int $id): array
    {
        $row = $this->connection->query(
            "SELECT VERSION, STATUS_ID, CANCELED, MARKED, REASON_MARKED FROM b_sale_order WHERE ID = $id"
        )->fetchRaw() ?: [];
        return [
            'id' => $id,
            'version' => (int)($row['VERSION'] ?? 0),
            'statusId' => (string)($row['STATUS_ID'] ?? ''),
            'canceled' => (string)($row['CANCELED'] ?? ''),
            'marked' => (string)($row['MARKED'] ?? ''),
            'reasonMarked' => $row['REASON_MARKED'] ?? null,
        ];
    }
}
