<?php
// A stand-in for the few old global classes and functions that our module uses. Tests only.
use Bitrix\Main\Application;

class CModule
{
    public static function CreateModuleObject($moduleId)
    {
        $file = $_SERVER['DOCUMENT_ROOT'] . "/local/modules/$moduleId/install/index.php";
        if (!is_file($file)) {
            return false;
        }
        include_once $file;
        $class = str_replace('.', '_', $moduleId);
        return new $class();
    }

    public static function IncludeModule($moduleName)
    {
        return Bitrix\Main\Loader::includeModule($moduleName);
    }
}

class CAgent
{
    public static function AddAgent($name, $module = '', $period = 'N', $interval = 86400, $datecheck = '', $active = 'Y', $next_exec = '', $sort = 100, $user_id = false, $existError = true)
    {
        $sql = Application::getConnection()->getSqlHelper();
        Application::getConnection()->queryExecute(
            "INSERT INTO b_agent (MODULE_ID, NAME, ACTIVE, IS_PERIOD, AGENT_INTERVAL, NEXT_EXEC) VALUES ('$module', '" . $sql->forSql($name) . "', '$active', '$period', $interval, CURRENT_DATE)"
        );
        return true;
    }

    public static function RemoveModuleAgents($module)
    {
        Application::getConnection()->queryExecute("DELETE FROM b_agent WHERE MODULE_ID = '$module'");
    }

    /** As cron_events.php does: the agent's name is PHP, and what it returns is its next name. */
    public static function CheckAgents()
    {
        $agents = Application::getConnection()->query("SELECT * FROM b_agent WHERE ACTIVE = 'Y' AND NEXT_EXEC <= NOW()");
        while ($agent = $agents->fetchRaw()) {
            Bitrix\Main\Loader::includeModule($agent['MODULE_ID']);
            $eval_result = '';
            eval('$eval_result=' . $agent['NAME']);
            $sql = (string)$eval_result === '' ? 'DELETE FROM b_agent' : 'UPDATE b_agent SET LAST_EXEC = NOW()';
            Application::getConnection()->queryExecute("$sql WHERE ID = {$agent['ID']}");
        }
    }
}

class CEventLog
{
    public static function Add($arFields)
    {
        $sql = Application::getConnection()->getSqlHelper();
        $values = array_map([$sql, 'forSql'], [$arFields['SEVERITY'], $arFields['AUDIT_TYPE_ID'], $arFields['MODULE_ID'], $arFields['ITEM_ID'], $_SERVER['REQUEST_URI'] ?? '', $arFields['DESCRIPTION']]);
        Application::getConnection()->queryExecute("INSERT INTO b_event_log (SEVERITY, AUDIT_TYPE_ID, MODULE_ID, ITEM_ID, REQUEST_URI, DESCRIPTION) VALUES ('" . implode("', '", $values) . "')");
    }
}

class CApplicationException
{
    private $text;

    public function __construct($text)
    {
        $this->text = $text;
    }

    public function GetString()
    {
        return $this->text;
    }
}

class CMain
{
    public $rights = [];
    private $exception;

    public function GetGroupRight($moduleId)
    {
        return $this->rights[$moduleId] ?? 'W';
    }

    public function ThrowException($message, $id = false)
    {
        $this->exception = new CApplicationException($message);
    }

    public function GetException()
    {
        return $this->exception ?: false;
    }

    public function ResetException()
    {
        $this->exception = null;
    }

    public function IncludeAdminFile($title, $file)
    {
        include $file;
    }

    public function GetCurPage()
    {
        return '/bitrix/admin/settings.php';
    }

    public function GetCurPageParam($add = '', $remove = [])
    {
        return $this->GetCurPage();
    }

    public function AuthForm($message)
    {
        echo 'access denied';
    }
}

/** Whoever is logged in: a user of the shop's. */
class CUser
{
    public function GetID()
    {
        return (string)Application::getConnection()->queryScalar("SELECT MIN(ID) FROM b_user WHERE ACTIVE = 'Y'");
    }
}

class CAdminTabControl
{
    private $tabs;
    private $shown = 0;

    public function __construct($name, $tabs, $bCanExpand = true, $bDenyAutoSave = false)
    {
        $this->tabs = $tabs;
    }

    public function Begin()
    {
    }

    public function BeginNextTab()
    {
        $this->endTab();
        echo "<h2>{$this->tabs[$this->shown++]['TITLE']}</h2><table>";
    }

    public function Buttons()
    {
        $this->endTab();
        $this->shown = 0;
    }

    public function End()
    {
    }

    private function endTab()
    {
        echo $this->shown > 0 ? '</table>' : '';
    }
}

class CAdminMessage
{
    public static function ShowMessage($message)
    {
        $escape = empty($message['HTML']) ? 'htmlspecialcharsbx' : 'strval';
        echo "<div class=\"{$message['TYPE']}\"><b>", $escape($message['MESSAGE']), '</b> ', $escape($message['DETAILS']), "</div>\n";
    }
}

class CUtil
{
    public static function JSEscape($s)
    {
        return strtr($s, ['\\' => '\\\\', "'" => "\\'", '"' => '\\"', "\n" => '\\n', '</' => '<\\/']);
    }
}

function htmlspecialcharsbx($string)
{
    return htmlspecialchars((string)$string, ENT_COMPAT, Application::isUtfMode() ? 'UTF-8' : 'ISO-8859-1');
}

function bitrix_sessid()
{
    return 'the-session';
}

function bitrix_sessid_post()
{
    return '<input type="hidden" name="sessid" value="' . bitrix_sessid() . '">';
}

function check_bitrix_sessid($varname = 'sessid')
{
    return ($_REQUEST[$varname] ?? '') === bitrix_sessid();
}

function LocalRedirect($url)
{
    echo "redirect to $url\n";
}
