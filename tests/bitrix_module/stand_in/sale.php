<?php
// A stand-in for the few classes of Bitrix's sale, catalog and rest modules that ours uses. Tests only.
namespace Bitrix\Sale {
    use Bitrix\Main\Application;
    use Bitrix\Main\EventManager;

    class Error
    {
        private $message;
        private $code;

        public function __construct($message, $code = 0)
        {
            $this->message = $message;
            $this->code = $code;
        }

        public function getMessage()
        {
            return $this->message;
        }

        public function getCode()
        {
            return $this->code;
        }
    }

    class Result
    {
        private $errors = [];

        public function addError(Error $error)
        {
            $this->errors[] = $error;
            return $this;
        }

        public function isSuccess()
        {
            return !$this->errors;
        }

        public function getErrors()
        {
            return $this->errors;
        }
    }

    class Notify
    {
        private static $disabled = false;

        public static function setNotifyDisable($value)
        {
            self::$disabled = (bool)$value;
        }

        public static function isNotifyDisabled()
        {
            return self::$disabled;
        }
    }

    class Order
    {
        /** @var bool[] whether each save would have mailed the buyer */
        public static $mails = [];
        private $row;
        private $changed = [];

        public static function load($id)
        {
            $row = Application::getConnection()->query('SELECT * FROM b_sale_order WHERE ID = ' . (int)$id)->fetchRaw();
            if (!$row) {
                return null;
            }
            $order = new self();
            $order->row = $row;
            return $order;
        }

        public function getId()
        {
            return (int)$this->row['ID'];
        }

        public function getField($name)
        {
            return $this->row[$name];
        }

        public function setField($name, $value)
        {
            $result = new Result();
            if ($name === 'CANCELED' && $value === 'Y' && $this->row['PAYED'] === 'Y') {
                return $result->addError(new Error('Paid', 'SALE_ORDER_CANCEL_PAYMENT_EXIST_ACTIVE'));
            }
            if ($this->row[$name] !== $value) {
                $this->changed[$name] = $this->row[$name];
                $this->row[$name] = $value;
            }
            return $result;
        }

        public function isCanceled()
        {
            return $this->row['CANCELED'] === 'Y';
        }

        public function save()
        {
            $changed = $this->changed;
            $this->changed = [];
            if ($changed) {
                $sql = Application::getConnection()->getSqlHelper();
                $set = 'VERSION = VERSION + 1, DATE_UPDATE = NOW()';
                foreach (array_keys($changed) as $name) {
                    $set .= ", $name = '" . $sql->forSql($this->row[$name]) . "'";
                }
                Application::getConnection()->queryExecute("UPDATE b_sale_order SET $set WHERE ID = {$this->getId()}");
            }
            self::$mails[] = !Notify::isNotifyDisabled();
            EventManager::getInstance()->fire('sale', 'OnSaleOrderSaved', [
                'ENTITY' => $this, 'IS_NEW' => false, 'IS_CHANGED' => (bool)$changed, 'VALUES' => $changed,
            ]);
            return new Result();
        }
    }
}

namespace Bitrix\Rest {
    class RestException extends \Exception
    {
        private $errorCode;
        private $status;

        public function __construct($message, $code = '', $status = 0, ?\Exception $previous = null)
        {
            parent::__construct($message, 0, $previous);
            $this->errorCode = $code;
            $this->status = $status;
        }

        public function getErrorCode()
        {
            return $this->errorCode;
        }

        public function getStatus()
        {
            return $this->status;
        }
    }
}

namespace Bitrix\Rest\APAuth {
    use Bitrix\Main\Application;
    use Bitrix\Main\ORM\Data\DataManager;

    class PasswordTable extends DataManager
    {
        private static $made = [];

        public static function getTableName()
        {
            return 'b_rest_ap';
        }

        public static function createPassword($userId, array $scopeList, $siteTitle, $returnArray = false)
        {
            if (getenv('STAND_IN_REST_REFUSES') === 'create') {
                return false;
            }
            $password = 'c0de' . bin2hex(random_bytes(6));
            $connection = Application::getConnection();
            $connection->queryExecute("INSERT INTO b_rest_ap (USER_ID, PASSWORD, ACTIVE, TITLE, DATE_CREATE) VALUES ($userId, '$password', 'Y', '$siteTitle', NOW())");
            $id = (int)$connection->queryScalar('SELECT LAST_INSERT_ID()');
            self::$made[$id] = true;
            foreach ($scopeList as $scope) {
                $connection->queryExecute("INSERT INTO b_rest_ap_permission (PASSWORD_ID, PERM) VALUES ($id, '$scope')");
            }
            return $returnArray && getenv('STAND_IN_REST_GIVES') !== 'password' ? ['ID' => $id, 'USER_ID' => $userId, 'PASSWORD' => $password] : $password;
        }

        public static function delete($primary)
        {
            // As a handler of the shop's may that guards one: not what was made just now.
            $isGuarded = getenv('STAND_IN_REST_REFUSES') === 'delete' && !isset(self::$made[(int)$primary]);
            return $isGuarded
                ? (new \Bitrix\Sale\Result())->addError(new \Bitrix\Sale\Error('No'))
                : parent::delete($primary);
        }
    }

    class PermissionTable extends DataManager
    {
        public static function getTableName()
        {
            return 'b_rest_ap_permission';
        }

        public static function deleteByPasswordId($passwordId)
        {
            Application::getConnection()->queryExecute('DELETE FROM b_rest_ap_permission WHERE PASSWORD_ID = ' . (int)$passwordId);
        }
    }
}
