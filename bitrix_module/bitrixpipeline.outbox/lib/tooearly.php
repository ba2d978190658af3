<?php
namespace Bitrixpipeline\Outbox;

/** What the event tells of has not happened yet. */
class TooEarly extends \RuntimeException
{
}
