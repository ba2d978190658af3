<?php
use Bitrix\Main\ModuleManager;

// Asked for by a browser it does nothing: there is no Bitrix then.
if (!class_exists('Bitrix\Main\Loader', false)) {
    return;
}

class bitrixpipeline_outbox extends CModule
{
    public $MODULE_ID = 'bitrixpipeline.outbox';
    public $MODULE_VERSION;
    public $MODULE_VERSION_DATE;
    public $MODULE_NAME;
    public $MODULE_DESCRIPTION;
    public $PARTNER_NAME = 'bitrix_pipeline';
    public $PARTNER_URI = '';
    public $MODULE_GROUP_RIGHTS = 'Y';
    /** @var string what became of the incoming webhook when the module went; empty when there was none */
    public $webhook = '';

    public function __construct()
    {
        $arModuleVersion = [];
        include __DIR__ . '/version.php';
        $this->MODULE_VERSION = $arModuleVersion['VERSION'];
        $this->MODULE_VERSION_DATE = $arModuleVersion['VERSION_DATE'];
        $this->MODULE_NAME = $this->words('NAME');
        $this->MODULE_DESCRIPTION = $this->words('DESCRIPTION');
    }

    public function DoInstall()
    {
        $this->requireClasses();
        $missing = \Bitrixpipeline\Outbox\Requirements::missing();
        if ($missing) {
            return $this->complain($this->words('MISSING') . implode(', ', $missing));
        }
        $wasInstalled = ModuleManager::isModuleInstalled($this->MODULE_ID);
        $hadOutbox = \Bitrixpipeline\Outbox\Schema::hasTables();
        try {
            $this->InstallDB();
        } catch (\Throwable $fault) {
            if (!$wasInstalled) {
                $this->UnInstallDB($hadOutbox);
            }
            return $this->complain($this->words('FAILED') . \Bitrixpipeline\Outbox\Journal::name($fault));
        }
        return true;
    }

    public function DoUninstall()
    {
        global $APPLICATION;
        $isAsked = PHP_SAPI === 'cli' || isset($_REQUEST['bitrixpipeline_step']);
        if (!$isAsked) {
            $APPLICATION->IncludeAdminFile($this->MODULE_NAME, __DIR__ . '/unstep.php');
            return false;
        }
        if (PHP_SAPI !== 'cli' && !check_bitrix_sessid()) {
            return false;
        }
        $this->UnInstallDB(($_REQUEST['keep_outbox'] ?? '') === 'Y');
        return true;
    }

    public function InstallDB()
    {
        $this->requireClasses();
        if (!ModuleManager::isModuleInstalled($this->MODULE_ID)) {
            ModuleManager::registerModule($this->MODULE_ID);
        }
        \Bitrixpipeline\Outbox\Schema::install();
        return true;
    }

    public function UnInstallDB($keepOutbox = false)
    {
        $this->requireClasses();
        $this->deleteWebhook();
        // First: whatever fails below, Bitrix must not take the module for installed.
        ModuleManager::unRegisterModule($this->MODULE_ID);
        \Bitrixpipeline\Outbox\Schema::uninstall((bool)$keepOutbox);
        return true;
    }

    public function GetModuleRightList()
    {
        return [
            'reference_id' => ['D', 'R', 'W'],
            'reference' => [
                '[D] ' . $this->words('RIGHT_D'),
                '[R] ' . $this->words('RIGHT_R'),
                '[W] ' . $this->words('RIGHT_W'),
            ],
        ];
    }

    /** The pipeline must not keep a key to a shop without the module; one that stays is no reason to stay. */
    private function deleteWebhook(): void
    {
        try {
            if (\Bitrixpipeline\Outbox\IncomingWebhook::delete()) {
                $this->webhook = 'The incoming webhook was deleted: its address does not work any more.';
            }
        } catch (\Throwable $fault) {
            $this->webhook = $fault instanceof \Bitrixpipeline\Outbox\WebhookProblem
                ? $fault->getMessage()
                : 'The incoming webhook was not deleted: ' . \Bitrixpipeline\Outbox\Journal::name($fault);
            // A browser is sent elsewhere after this, and the module's own note of it goes with the module.
            \Bitrixpipeline\Outbox\Journal::error($this->webhook);
        }
    }

    private function words(string $name): string
    {
        $this->requireClasses();
        return \Bitrixpipeline\Outbox\Words::of(__FILE__, $name);
    }

    private function complain(string $text)
    {
        global $APPLICATION;
        $APPLICATION->ThrowException($text);
        return false;
    }

    /** Bitrix loads the classes of installed modules only. */
    private function requireClasses(): void
    {
        spl_autoload_register(static function (string $class): void {
            if (strpos($class, 'Bitrixpipeline\\Outbox\\') === 0) {
                $file = dirname(__DIR__) . '/lib/' . strtolower(substr($class, 22)) . '.php';
                if (is_file($file)) {
                    require_once $file;
                }
            }
        });
    }
}
