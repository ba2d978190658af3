<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Rest\RestException;

/** Our own REST methods. Names are the pipeline's; the webhook's user must be allowed to change orders. */
class RestMethods
{
    public const SCOPE = 'bitrixpipeline';
    private const BAD = '400 Bad Request';

    public static function describeRest(): array
    {
        return [self::SCOPE => [
            'bitrixpipeline.order.setstatus' => ['callback' => [self::class, 'setStatus'], 'options' => []],
            'bitrixpipeline.selfcheck' => ['callback' => [self::class, 'selfCheck'], 'options' => []],
        ]];
    }

    public static function setStatus($query, $start, $server): array
    {
        return self::answered(static function () use ($query): array {
            return self::setStatusOf((array)$query);
        });
    }

    public static function selfCheck($query, $start, $server): array
    {
        return self::answered(static function (): array {
            self::requireRight('R');
            return SelfCheck::facts();
        });
    }

    /** REST would put the code of whatever the hit has left behind in the place of a refusal's own. */
    private static function answered(callable $method): array
    {
        global $APPLICATION;
        try {
            return $method();
        } catch (RestException $refusal) {
            $APPLICATION->ResetException();
            throw $refusal;
        }
    }

    private static function setStatusOf(array $query): array
    {
        self::requireRight('W');
        $given = array_change_key_case($query, CASE_LOWER);
        $id = self::number($given, 'id', true);
        $change = [
            'status' => self::status($given),
            'canceled' => self::flag($given, 'canceled'),
            'reason' => self::reason($given),
            'expectedVersion' => self::number($given, 'expectedversion', false),
            'notify' => self::flag($given, 'notify') === 'Y',
        ];
        if ($change['status'] === null && $change['canceled'] === null) {
            throw new RestException('status or canceled is needed', 'PARAMETER_MISSING', self::BAD);
        }
        if ($change['canceled'] === 'Y' && $change['reason'] === '') {
            throw new RestException('canceled needs a reason', 'PARAMETER_MISSING', self::BAD);
        }
        self::requireSale();
        return (new OrderStatus())->set((int)$id, $change);
    }

    private static function requireRight(string $least): void
    {
        global $APPLICATION;
        $right = (string)$APPLICATION->GetGroupRight('sale');
        if ($right === '' || $right === 'D' || $right < $least) {
            throw new RestException('The webhook\'s user may not do this', 'ACCESS_DENIED', '403 Forbidden');
        }
    }

    private static function requireSale(): void
    {
        if (!\Bitrix\Main\Loader::includeModule('sale')) {
            throw new RestException('Module sale is not installed', 'MODULE_MISSING', '500 Internal Server Error');
        }
    }

    private static function status(array $given): ?string
    {
        if (!isset($given['status'])) {
            return null;
        }
        $status = is_string($given['status']) ? $given['status'] : '';
        if (!preg_match('/^[A-Za-z0-9]{1,2}$/D', $status)) {
            throw new RestException('No order status has this ID', 'STATUS_UNKNOWN', self::BAD);
        }
        return $status;
    }

    private static function reason(array $given): string
    {
        $reason = $given['reason'] ?? '';
        if (!is_scalar($reason)) {
            throw new RestException('reason must be text', 'PARAMETER_MALFORMED', self::BAD);
        }
        return mb_substr(trim((string)$reason), 0, 255);
    }

    private static function number(array $given, string $name, bool $needed): ?int
    {
        $value = $given[$name] ?? null;
        if ($value === null && !$needed) {
            return null;
        }
        if ((!is_int($value) && !is_string($value)) || !preg_match('/^[0-9]{1,9}$/D', (string)$value) || ($needed && (int)$value < 1)) {
            throw new RestException("$name must be a number", 'PARAMETER_MALFORMED', self::BAD);
        }
        return (int)$value;
    }

    /** JSON's booleans and the forms' words. */
    private static function flag(array $given, string $name): ?string
    {
        $words = ['y' => 'Y', '1' => 'Y', 'true' => 'Y', 'n' => 'N', '0' => 'N', 'false' => 'N'];
        $value = $given[$name] ?? null;
        if ($value === null) {
            return null;
        }
        $word = is_bool($value) ? ($value ? 'y' : 'n') : (is_scalar($value) ? strtolower((string)$value) : '?');
        if (!isset($words[$word])) {
            throw new RestException("$name must be true or false", 'PARAMETER_MALFORMED', self::BAD);
        }
        return $words[$word];
    }
}
